"""Settings: secrets from .env and the environment, the rest from tstream.toml."""
