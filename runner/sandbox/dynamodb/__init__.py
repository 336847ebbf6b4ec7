"""DynamoDB's rules where moto does not keep them. Importing this imports nothing."""
