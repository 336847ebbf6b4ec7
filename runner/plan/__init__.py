"""The plan as data: steps, titles, requests, JSON, bounds."""
