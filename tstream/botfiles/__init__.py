"""A JSON file that is one bot: read and checked here, and turned into the settings' own tables."""
