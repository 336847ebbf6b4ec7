"""How long tests wait for what must come about: for a condition, whatever the machine's speed."""

PATIENCE_SECONDS = 600.0
"""Only what never comes about takes this long, and its test fails then."""
