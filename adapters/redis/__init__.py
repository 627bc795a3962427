"""Publishes prices and the core picture to Redis: for others to read, and nothing here depends on it."""
