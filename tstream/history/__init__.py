"""The history of a journal: its records as rows, followed while an engine writes it."""
