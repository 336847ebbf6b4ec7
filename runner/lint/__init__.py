"""The linter beyond errors: what a reviewer should know about a spec that can be run."""
