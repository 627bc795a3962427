"""Rows that belong to no pane: status bar, safety line, strip of quotes, key line."""
