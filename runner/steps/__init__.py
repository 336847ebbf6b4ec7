"""Carries a plan out: runs its steps in order, records each, rolls back.

``execute`` runs them and ``perform`` says which function carries out which step. One module per
step; what two of them share is in the one that it is about, or in a module of its own, such as
``s3_operation``.
"""
