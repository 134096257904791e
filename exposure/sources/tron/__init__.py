"""TRON: TronGrid's lists, and the logs of a java-tron node through its JSON-RPC."""
