"""Faults of any practice venue, as they are wanted and wait for their occasions."""
