"""Maps every data file into the ledger, wherever that runs."""
