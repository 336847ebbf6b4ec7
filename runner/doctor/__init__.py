"""Checks before a run everything that it will need: identity, permissions, resources."""
