"""One use case each: run, resume, abort, restore, verify, export, dry run.

Where ``cli`` has a module of the same name, that one reads the flags and this one has the use case.
"""
