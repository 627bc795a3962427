"""Where news goes: one file a service."""
