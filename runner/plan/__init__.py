"""The plan as data: steps, how they depend on one another, the requests they will send, JSON."""
