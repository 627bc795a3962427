"""Kraken Futures: Unified WebSocket v2 for market, account; v1 and REST for what it lacks; pure mapping."""
