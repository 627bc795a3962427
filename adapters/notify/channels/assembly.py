"""Channels made from their configuration, in the order in which they stand in for one another."""

from __future__ import annotations

from adapters.notify.channels.apprise import AppriseChannel, MailChannel
from adapters.notify.channels.channel import Channel
from adapters.notify.channels.discord import DiscordChannel
from adapters.notify.channels.slack import SlackChannel
from adapters.notify.channels.telegram import TelegramChannel
from adapters.notify.config import NotifyConfig, Rules


def channels(config: NotifyConfig) -> list[tuple[Channel, Rules]]:
    """Every channel that is configured; Telegram has one for each chat."""
    found: list[tuple[Channel, Rules]] = []
    if config.telegram is not None:
        for number, chat in enumerate(config.telegram.chats, 1):
            name = "telegram" if number == 1 else f"telegram-{number}"
            found.append((TelegramChannel(config.telegram, chat, name), config.telegram.rules))
    if config.slack is not None:
        found.append((SlackChannel(config.slack), config.slack.rules))
    if config.discord is not None:
        found.append((DiscordChannel(config.discord), config.discord.rules))
    if config.mail is not None:
        found.append((MailChannel(config.mail), config.mail.rules))
    found += [(AppriseChannel(other), other.rules) for other in config.others]
    return found
