"""The local socket through which people look at a running engine and tell it what to do."""
