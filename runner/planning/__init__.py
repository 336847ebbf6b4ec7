"""What was observed and the spec become a ``Plan``, with its warnings, costs and words."""
