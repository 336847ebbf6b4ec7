"""Takes every data file through the mapping into the ledger, wherever that runs."""
