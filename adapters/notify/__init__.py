"""News of what the engine does, where the trader is: chats, webhooks, mail; and commands from Telegram.

One way: content ← channels ← dispatch ← service. `content` makes messages of the engine's Views, `channels`
gives each service's form of a message and sends it, `dispatch` decides when and to whom; `telegram_commands`
uses the bot of `channels`. Import contracts hold it.
"""
