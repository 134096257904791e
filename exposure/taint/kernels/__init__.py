"""The five rules compiled: twins of `exposure.taint.reference`, same names, same results.

Origins are groups (small integers), addresses are dense ids; `exposure.engines.local` translates. Nothing here imports
more than numpy and numba, and nothing but that engine imports this package.
"""
