"""Findings as other programs read them: a module a format, each with ``render``."""
