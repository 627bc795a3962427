"""Trained models: their files, and the worker that asks them."""
