"""The five rules in plain Python: exact integers, and decimals of 60 digits for the haircut. This is the definition.

`lots` says what a unit of value carries, `pots` how each rule draws on a pot, `account` and `utxo` run a rule over a
ledger, `gaps` says where a pot is not known well enough for the interval.
"""
