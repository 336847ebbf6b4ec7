"""An AWS emulator on loopback, for demonstrations and tests. Importing this imports nothing."""
