"""Colour themes: data files, and the small loader that reads them."""
