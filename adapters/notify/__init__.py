"""News of what the engine does, where the trader is: chats, webhooks, mail; and commands from Telegram."""
