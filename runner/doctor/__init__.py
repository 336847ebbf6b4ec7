"""Looking before a run at all that it will need: who asks, what may be done, what is there."""
