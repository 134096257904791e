"""Synthetic economies with known truth: a UTXO chain and an account chain, whole from their first block.

Everything here is fictional: keys are hashes of labels, names are invented, and whatever is written says SYNTHETIC.
The same seed and size give the same rows on every platform: randomness is `dice.Dice` alone, amounts are integers.
"""
