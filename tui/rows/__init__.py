"""Pure functions from a Scene to rows of (text, style name). Nothing here knows a screen library."""
