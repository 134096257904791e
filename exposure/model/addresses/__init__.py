"""Addresses of Bitcoin, EVM chains and TRON: read, checked, brought to one canonical form, and made from scripts and keys."""

from exposure.model.addresses.accounts import checksummed, evm_address, evm_of_tron, tron_address, tron_of_evm
from exposure.model.addresses.foreign import family_of
from exposure.model.addresses.parse import Address, Family, network_of, parse
from exposure.model.addresses.scripts import (
    address_script,
    p2pkh_address,
    p2sh_address,
    script_address,
    script_id,
    witness_address,
)

__all__ = [
    "Address",
    "Family",
    "address_script",
    "checksummed",
    "evm_address",
    "evm_of_tron",
    "family_of",
    "network_of",
    "p2pkh_address",
    "p2sh_address",
    "parse",
    "script_address",
    "script_id",
    "tron_address",
    "tron_of_evm",
    "witness_address",
]
