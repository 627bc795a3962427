"""How much, and whether at all: sizing and the gate before every entry."""
