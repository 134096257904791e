"""Whatever leaves this machine: the one HTTP client, lines over TCP, and the account of what was asked of whom."""
