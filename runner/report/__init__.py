"""What a command shows: reports and progress. Nothing is computed here."""
