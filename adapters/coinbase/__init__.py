"""Coinbase Advanced Trade: spot products of one portfolio."""
