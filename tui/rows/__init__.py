"""Pure functions from a ScreenState to rows of (text, style name). Nothing here knows a screen library."""
