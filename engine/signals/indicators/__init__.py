"""Indicators, one closed bar at a time (docs/indicators.md#indicators)."""
