"""The section [notify] of tstream.toml: which channels get news, and who may command by Telegram."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from adapters.common.secret import LOOPBACK, words_of_address
from adapters.notify.config import NotifyConfig
from adapters.notify.content.message import NewsEvent
from engine.model.notices import Severity
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import CommaSeparated, Whole, need, refuse, setting
from tstream.settings.sections import BaseUrl, Zone

_NUMBER = re.compile(r"-?\d+", re.ASCII)
_EVENTS = "a list of " + ", ".join(NewsEvent)
_ALL = tuple(NewsEvent)
_BY_MAIL = tuple(event for event in NewsEvent if event not in (NewsEvent.SIGNAL, NewsEvent.STATUS))


def _one_or_many(value: object) -> object:
    """A single id may stand without a list around it; ids from variables are numbers too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if isinstance(value, list):
        return [int(id_) if isinstance(id_, str) and _NUMBER.fullmatch(id_) else id_ for id_ in value]
    return value


Events = Annotated[tuple[NewsEvent, ...], NoDecode, CommaSeparated]
Ids = Annotated[tuple[int, ...], NoDecode, BeforeValidator(_one_or_many), CommaSeparated]
Chats = Annotated[tuple[int | str, ...], NoDecode, BeforeValidator(_one_or_many), CommaSeparated]
Addresses = Annotated[tuple[str, ...], NoDecode, CommaSeparated]


@keys_of(NotifyConfig(), zone=Zone, label=Annotated[str, Field(max_length=40)])
class NotifySettings(DeclaredSection):
    """News of trades and trouble. Tokens, webhook addresses and passwords: only from .env or environment."""

    telegram_token: SecretStr = setting(SecretStr(""), "The bot's token, from @BotFather.", reload="live")
    telegram_chats: Chats = setting(
        (),
        "Ids of the chats that get news; negative for groups.",
        allowed="a list of chat ids",
        reload="live",
    )
    telegram_url: BaseUrl = setting(
        "https://api.telegram.org", "Base URL of the Bot API.", allowed="a URL", reload="live"
    )
    telegram_events: Events = setting(_ALL, "What Telegram is told.", allowed=_EVENTS, reload="live")
    telegram_severity: Severity = setting(Severity.INFO, "Least severity that it is told.", reload="live")
    slack_url: SecretStr = setting(SecretStr(""), "Address of the incoming webhook.", reload="live")
    slack_events: Events = setting(_ALL, "What Slack is told.", allowed=_EVENTS, reload="live")
    slack_severity: Severity = setting(Severity.INFO, "Least severity that it is told.", reload="live")
    discord_url: SecretStr = setting(SecretStr(""), "Address of the webhook.", reload="live")
    discord_events: Events = setting(_ALL, "What Discord is told.", allowed=_EVENTS, reload="live")
    discord_severity: Severity = setting(Severity.INFO, "Least severity that it is told.", reload="live")
    mail_server: str = setting("", "Name of the mail server; empty sends no mail.", reload="live")
    mail_port: Whole = setting(
        0, "Its port; 0 takes 587, 465 for ssl, 25 for insecure.", ge=0, le=65535, reload="live"
    )
    mail_security: Literal["starttls", "ssl", "insecure"] = setting(
        "starttls", "How the line is encrypted; insecure only for a server on this machine.", reload="live"
    )
    mail_user: str = setting("", "Login name there; empty logs in nowhere.", reload="live")
    mail_password: SecretStr = setting(SecretStr(""), "Its password, mostly an app password.", reload="live")
    mail_from: str = setting("", "The sender's address.", reload="live")
    mail_to: Addresses = setting((), "Who gets the mails.", allowed="a list of mail addresses", reload="live")
    mail_events: Events = setting(_BY_MAIL, "What is told by mail.", allowed=_EVENTS, reload="live")
    mail_severity: Severity = setting(Severity.INFO, "Least severity that is told by mail.", reload="live")
    others: dict[str, SecretStr] = setting(
        {},
        "Other services by a name of your own, as URLs that apprise understands.",
        allowed="a table of names and apprise URLs",
        reload="live",
    )
    others_events: Events = setting(_ALL, "What the others are told.", allowed=_EVENTS, reload="live")
    others_severity: Severity = setting(Severity.INFO, "Least severity that they are told.", reload="live")
    commands_chats: Ids = setting(
        (), "Ids of the chats in which the bot takes commands.", allowed="a list of chat ids", reload="live"
    )
    commands_users: Ids = setting(
        (), "Ids of the people from whom it takes them.", allowed="a list of user ids", reload="live"
    )

    @model_validator(mode="after")
    def _channels_are_whole(self) -> Self:
        token = bool(self.telegram_token.get_secret_value())
        if self.telegram_chats and not token:
            raise refuse("is needed where notify.telegram_chats is set", key="telegram_token")
        if bool(self.commands_chats) != bool(self.commands_users):
            missing = "commands_users" if self.commands_chats else "commands_chats"
            raise refuse("is needed too: commands are taken by chat and by person", key=missing)
        if self.commands_chats and not token:
            raise refuse("is needed where notify.commands_chats is set", key="telegram_token")
        if self.mail_server:
            need(self, "notify", ("mail_from", "mail_to"), "where notify.mail_server is set")
        far = self.mail_server not in LOOPBACK
        if far and self.mail_security == "insecure" and self.mail_password.get_secret_value():
            raise refuse("would send the password readable: use starttls or ssl", key="mail_security")
        return self

    def secrets(self) -> tuple[str, ...]:
        """Values that may appear in no log, message or picture."""
        token = self.telegram_token.get_secret_value()
        addresses = (self.slack_url, self.discord_url, *self.others.values())
        words = [word for url in addresses for word in words_of_address(url.get_secret_value())]
        found = (token, token.partition(":")[2], self.mail_password.get_secret_value(), *words)
        return tuple(secret for secret in found if secret)
