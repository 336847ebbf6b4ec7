"""What a command shows of its work: reports, progress, code frames. Nothing is computed here."""
