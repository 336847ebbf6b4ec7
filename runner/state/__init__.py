"""Runs kept in S3, so that a machine that is thrown away takes nothing with it."""
