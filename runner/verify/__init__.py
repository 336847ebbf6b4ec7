"""Verification: reading the rebuilt table back and holding it against the expected ledger."""
