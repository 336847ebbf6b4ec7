"""A table as data: settings, resource policies, the requests that make and change it."""
