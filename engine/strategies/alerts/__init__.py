"""Alerts of a chat room: from a message, whatever it holds, to a trade or to the reason why not."""
