"""One use case each: run, resume, abort, restore, verify, export, dry run."""
