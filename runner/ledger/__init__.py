"""The ledger: one row for each item that a run read, made or found; Parquet, read by DuckDB."""
