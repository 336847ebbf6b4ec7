"""The linter beyond errors: what a reviewer should know of a spec that could be run."""
