"""The strategy "edge": one pattern that a search has validated, played as it was tested."""
