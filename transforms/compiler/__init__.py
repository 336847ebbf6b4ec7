"""JMESPath and mappings as Python source: ``code`` writes it, the others decide what it says."""
