"""Widgets drawn line by line: each keeps its rows and repaints only those that changed."""
