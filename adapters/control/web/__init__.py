"""The cockpit in a browser: a page with a terminal, and for each tab a program in a pseudo-terminal."""
