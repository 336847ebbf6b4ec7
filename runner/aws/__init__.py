"""The ways to AWS. Nothing here decides what to do; the steps do."""
