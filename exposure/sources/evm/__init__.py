"""EVM chains: any JSON-RPC node, Etherscan and Blockscout; calls (`extract`) apart from reading replies (`decode`)."""
