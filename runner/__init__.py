"""Runs a spec: from the plan to the report. Importing this package imports nothing else."""
