"""The REST API and its WebSocket: scripts look at a running engine and command it (docs/api.md)."""
