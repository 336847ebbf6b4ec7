"""A stand-in for AWS on loopback, for demonstrations and tests. Importing this imports nothing."""
