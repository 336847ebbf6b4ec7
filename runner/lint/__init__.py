"""Collects a spec's findings, fixes them and shows them."""
