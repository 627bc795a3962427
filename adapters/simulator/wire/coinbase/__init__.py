"""The wire of Coinbase Advanced Trade around a twin."""
