"""Settings to what the notification channels are told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.common.secret import Secret
from adapters.notify.config import (
    TELEGRAM_BURST,
    AppriseConfig,
    MailConfig,
    NotifyConfig,
    Rules,
    TelegramCommandsConfig,
    TelegramConfig,
    WebhookConfig,
)
from tstream.settings.declared import filled

if TYPE_CHECKING:
    from pydantic import SecretStr

    from adapters.notify.content.message import NewsEvent
    from engine.model.notices import Severity
    from tstream.settings.notify import NotifySettings


def notify_config(settings: NotifySettings, told_in: str) -> NotifyConfig:
    """Every channel that is set up; a NotifyConfig without any where none is. `told_in` is the time zone of
    messages where the section sets no other.
    """
    token = settings.telegram_token.get_secret_value()
    telegram = mail = telegram_commands = None
    if token and settings.telegram_chats:
        telegram = TelegramConfig(
            token=Secret(token),
            chats=settings.telegram_chats,
            base_url=settings.telegram_url,
            rules=replace(_rules(settings.telegram_events, settings.telegram_severity), burst=TELEGRAM_BURST),
        )
    if token and settings.commands_chats:
        telegram_commands = TelegramCommandsConfig(
            token=Secret(token),
            chats=frozenset(settings.commands_chats),
            users=frozenset(settings.commands_users),
            base_url=settings.telegram_url,
        )
    if settings.mail_server:
        mail = MailConfig(
            server=settings.mail_server,
            port=settings.mail_port,
            security=settings.mail_security,
            user=settings.mail_user,
            password=Secret(settings.mail_password.get_secret_value()),
            sender=settings.mail_from,
            recipients=settings.mail_to,
            rules=Rules(
                events=frozenset(settings.mail_events), severity=settings.mail_severity, per_minute=6, burst=3
            ),
        )
    others = _rules(settings.others_events, settings.others_severity)
    return filled(
        NotifyConfig,
        settings,
        telegram=telegram,
        slack=_webhook(settings.slack_url, settings.slack_events, settings.slack_severity),
        discord=_webhook(settings.discord_url, settings.discord_events, settings.discord_severity),
        mail=mail,
        others=tuple(
            AppriseConfig(name=name, url=Secret(url.get_secret_value()), rules=others)
            for name, url in settings.others.items()
        ),
        telegram_commands=telegram_commands,
        zone=settings.zone or told_in,
    )


def _webhook(url: SecretStr, events: tuple[NewsEvent, ...], severity: Severity) -> WebhookConfig | None:
    address = url.get_secret_value()
    return WebhookConfig(url=Secret(address), rules=_rules(events, severity)) if address else None


def _rules(events: tuple[NewsEvent, ...], severity: Severity) -> Rules:
    return Rules(events=frozenset(events), severity=severity)
