"""Finds, checks, merges, reads and writes exports."""
