"""A spec and the files beside it."""
