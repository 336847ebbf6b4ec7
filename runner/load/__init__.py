"""Loading items into a table: its pace, its retries, and the account of every item."""
