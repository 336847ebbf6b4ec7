"""AWS calls. Nothing here decides what to do; the steps do."""
