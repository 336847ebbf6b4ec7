"""Turns the spec and what was observed into a ``Plan``, with its warnings, costs and text."""
