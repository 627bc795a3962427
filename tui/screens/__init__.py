"""Whole screens and dialogs. Dialogs are imported when they are opened."""
