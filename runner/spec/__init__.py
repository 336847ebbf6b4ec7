"""Loads specs and the files beside them, runs row tests, compares two specs."""
