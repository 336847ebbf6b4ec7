"""The functions expressions may call, each pure and exact. ``table`` lists them all."""
