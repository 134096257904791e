"""The compiled engine. `account` and `utxo` are called as those of the reference and say the same."""

from exposure.engines.local.account import run as account
from exposure.engines.local.utxo import run as utxo

__all__ = ["account", "utxo"]
