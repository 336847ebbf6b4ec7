"""Compiles JMESPath and mappings to Python source: ``code`` writes it, the others decide what."""
