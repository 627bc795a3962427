"""The wire of Kraken Futures around a twin: Unified WebSocket v2, tokens, charts, v1's public feed."""
