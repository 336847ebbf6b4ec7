"""Plans a run or a restore from what was observed: a ``Plan``, its warnings, costs and text."""
