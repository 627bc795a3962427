"""Recorded markets: reading them, playing them, and recording what reaches the engine."""
