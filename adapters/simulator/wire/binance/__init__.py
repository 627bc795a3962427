"""The wire of Binance spot around a twin: REST, market streams and the WebSocket API."""
