"""Files that something else wrote, made into an export in the layout of a native one."""
