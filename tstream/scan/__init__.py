"""The scanner: validated signals as bots with a paper book, told as they come (docs/scanner.md)."""
