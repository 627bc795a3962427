"""Commands from Telegram: whitelisted people, confirmation codes, answers."""
