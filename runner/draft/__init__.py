"""Drafts a spec for a table from a redacted sample of it, for a person to complete."""
