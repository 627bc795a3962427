"""The wire of Bybit V5 around a twin."""
