"""tstream notify test: a test message through each configured channel, and what each answered."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.common.redaction import REDACT, printable
from adapters.notify.channels.bot_api import BotApi
from adapters.notify.channels.channel import Channel, RateLimitedError
from adapters.notify.config import NotifyConfig, TelegramCommandsConfig
from adapters.notify.content.formats import TimeFormat
from adapters.notify.content.message import Message, NewsEvent, section
from adapters.notify.service import build_channels
from engine.model.errors import PortError
from engine.model.notices import Severity
from tstream.clock import wall_ns
from tstream.convert.notify import notify_config
from tstream.errors import UsageError
from tstream.run.startup import read_settings

COMMANDS = "commands"
"""Names the bot that takes commands among the channels."""


def test(config: Path | None, wanted: str | None) -> int:
    """Prove the channels of the settings; the exit code. Raises SettingsError, UsageError."""
    _, loaded = read_settings(config)
    return prove(notify_config(loaded.settings.notify, loaded.settings.told_in), wanted)


def prove(config: NotifyConfig, wanted: str | None = None) -> int:
    """Prove one channel, or all; the exit code: 0 only where each took the message. Raises UsageError."""
    for secret in config.secrets:
        REDACT.add(secret)
    found = [channel for channel, _ in build_channels(config)]
    names = [channel.name for channel in found] + ([COMMANDS] if config.telegram_commands is not None else [])
    if not names:
        raise UsageError("no channel is configured", "docs/notifications.md tells how to set one up")
    if wanted is not None and not any(_meant(name, wanted) for name in names):
        raise UsageError(f"no channel is named {wanted}; configured are {', '.join(names)}")
    chosen = [channel for channel in found if wanted is None or _meant(channel.name, wanted)]
    commands = config.telegram_commands if wanted in (None, COMMANDS) else None
    return asyncio.run(_prove(chosen, commands, TimeFormat(config.zone or "UTC", wall_ns)))


def _meant(name: str, wanted: str) -> bool:
    """ "telegram" means every chat of it."""
    return name == wanted or name.rpartition("-")[0] == wanted


async def _prove(chosen: list[Channel], commands: TelegramCommandsConfig | None, times: TimeFormat) -> int:
    """All at the same time; a line for each in their order."""
    checks = [_send(channel, times) for channel in chosen] + (
        [_ask_bot(commands)] if commands is not None else []
    )
    results = await asyncio.gather(*checks)
    for ok, line in results:
        sys.stdout.write(f"{'✓' if ok else '✗'} {printable(REDACT(line))}\n")
    return 0 if all(ok for ok, _ in results) else 1


async def _send(channel: Channel, times: TimeFormat) -> tuple[bool, str]:
    message = sample(wall_ns())
    answers = []
    try:
        for payload in channel.payloads(message, times.footer(message)):
            answers.append((await channel.deliver(payload)).text)
    except RateLimitedError as error:
        return False, f"{channel.name}: {error}; try again in {error.after_s:g} s"
    except PortError as error:
        return False, f"{channel.name}: {error}"
    finally:
        await channel.close()
    return True, f"{channel.name}: {', '.join(answers)}"


async def _ask_bot(config: TelegramCommandsConfig) -> tuple[bool, str]:
    """Whether the bot that takes commands can be used; it hears nothing here."""
    bot = BotApi(config.base_url, config.token, config.secrets)
    try:
        name = await bot.name()
    except PortError as error:
        return False, f"{COMMANDS}: {error}"
    finally:
        await bot.close()
    people, chats = len(config.users), len(config.chats)
    return True, f"{COMMANDS}: @{name} takes them from {people} people in {chats} chats"


def sample(ts: int) -> Message:
    """What a test sends: it looks like news, and says that it is none."""
    return Message(
        event=NewsEvent.STATUS,
        severity=Severity.INFO,
        title="Test message",
        ts=ts,
        mark="🔔",
        lines=("tstream can reach you here. Nothing has happened.",),
        sections=section("What a figure looks like", ("Entry", "21000.25"), ("Net", "+0.00 USD")),
        origin="tstream notify test",
    )
