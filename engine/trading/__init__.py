"""Orders, positions and money: the part that must never be wrong."""
