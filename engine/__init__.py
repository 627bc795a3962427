"""The trading brain: events in, decisions out. No network, no files, no wall clock."""
