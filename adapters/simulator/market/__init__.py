"""The market that the practice venue plays: contracts and hours, prices generated or scripted, history."""
