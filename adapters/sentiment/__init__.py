"""News and posts, read beside the engine and told to it as numbers (docs/mood.md)."""
