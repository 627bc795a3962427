"""The search for edges: patterns that earn money, and the proof that it is not chance (docs/discovery.md)."""
