"""Measurements of the real program beside the simplest peer that does the same, in one run."""
