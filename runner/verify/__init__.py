"""Verification: reads the rebuilt table back and compares it with the expected ledger."""
