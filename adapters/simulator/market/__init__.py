"""The market that the practice venue plays: generated, scripted, and its history."""
