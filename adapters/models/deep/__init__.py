"""A small temporal fusion transformer: a model of the newest closes, not of one alone (docs/models.md)."""
