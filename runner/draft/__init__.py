"""A first spec for a table: what was seen of it, redacted, as text for a person to go on with."""
