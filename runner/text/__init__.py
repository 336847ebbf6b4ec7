"""Text for people: safe to print, figures, code frames."""
