"""DynamoDB's rules that moto lacks. Importing this imports nothing."""
