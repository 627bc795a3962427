"""Who is told what of the bots of JSON files: their notify_on, by the book that each trades in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from adapters.notify.config import NotifyConfig
from adapters.notify.content.message import NewsEvent
from tstream.botfiles.model import ChannelPart, NotificationsPart

Wishes = Mapping[str, NotificationsPart]
"""By book."""


def events_of(said: NotificationsPart, channel: ChannelPart) -> frozenset[NewsEvent]:
    """What one channel is told of a bot. Errors are what goes wrong with its money too: a limit that acts."""
    if not (said.enabled and channel.enabled):
        return frozenset()
    wanted = set(channel.notify_on)
    return frozenset(wanted | ({NewsEvent.RISK} if NewsEvent.ERROR in wanted else set()))


def told(config: NotifyConfig, wishes: Wishes) -> NotifyConfig:
    """The channels with what they are told of these books. One that files can't name is told as before,
    unless a file wants nothing told.
    """
    silent = {book: frozenset[NewsEvent]() for book, said in wishes.items() if not said.enabled}
    by_telegram = {book: events_of(said, said.telegram) for book, said in wishes.items()}
    by_mail = {book: events_of(said, said.email) for book, said in wishes.items()}

    def ruled(channel: Any, books: Mapping[str, frozenset[NewsEvent]]) -> Any:
        return None if channel is None else replace(channel, rules=replace(channel.rules, books=books))

    return replace(
        config,
        telegram=ruled(config.telegram, by_telegram),
        mail=ruled(config.mail, by_mail),
        slack=ruled(config.slack, silent),
        discord=ruled(config.discord, silent),
        others=tuple(ruled(other, silent) for other in config.others),
    )
