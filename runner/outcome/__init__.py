"""A plan and its journal become a report and a status."""
