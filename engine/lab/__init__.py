"""Runs of the trading core over recorded or generated markets, without sockets and without waiting."""
