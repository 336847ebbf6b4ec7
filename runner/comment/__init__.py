"""A pull request comment with findings, a plan or a run's figures, kept up to date.

It contains no item values and no keys.
"""
