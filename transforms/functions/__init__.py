"""The functions that expressions can call, each pure and exact. ``table`` lists them all."""
