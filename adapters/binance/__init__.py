"""Binance spot: market streams, orders by REST, account events by the WebSocket API."""
