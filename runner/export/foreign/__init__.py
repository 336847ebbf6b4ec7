"""Converts files that another program wrote into an export in the layout of a native one."""
