"""What a pull request is told: findings, a plan or a run's figures as one comment, kept up to date.

No item's value and no key is in it.
"""
