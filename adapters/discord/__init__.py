"""Alert rooms on Discord: what whitelisted authors post, change and delete, each told once."""
