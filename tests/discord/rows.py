"""Discord's JSON as the loopback Discord tells it (docs/protocols/discord.md#message-object)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GUILD = 7_000_000_000_000_001
BOT = 7_000_000_000_000_002
"""The reading bot's own account."""
OWNER = 7_000_000_000_000_003

TEXT, THREAD, FORUM = 0, 11, 15

VIEW, HISTORY = 1 << 10, 1 << 16

EPOCH_MS = 1_420_070_400_000


@dataclass(frozen=True)
class Author:
    """Who posts. A webhook's account id is the webhook's id."""

    id: int
    name: str
    bot: bool = False
    webhook: bool = False
    discriminator: str = "0"
    nick: str | None = None

    def user(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": self.nick,
            "discriminator": "0000" if self.webhook else self.discriminator,
            "avatar": None,
            "bot": self.bot or self.webhook,
        }


def iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()


def me() -> dict[str, Any]:
    return {
        "id": str(BOT),
        "username": "reader",
        "global_name": None,
        "discriminator": "1234",
        "avatar": None,
        "bot": True,
        "verified": True,
        "mfa_enabled": False,
        "flags": 0,
    }


def application() -> dict[str, Any]:
    return {
        "id": str(BOT),
        "name": "reader",
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "team": None,
        "owner": {"id": str(OWNER), "username": "owner", "discriminator": "0", "avatar": None},
        "flags": 1 << 19,
        "summary": "",
    }


_NONE = ["emojis", "stickers", "features", "presences", "voice_states", "stage_instances"]
_NONE += ["guild_scheduled_events", "soundboard_sounds"]
_ZERO = ["verification_level", "default_message_notifications", "explicit_content_filter", "mfa_level"]
_ZERO += ["premium_tier", "nsfw_level", "system_channel_flags"]
"""What a server has none of."""


def guild(channels: list[dict[str, Any]], threads: list[dict[str, Any]], allowed: int) -> dict[str, Any]:
    everyone = {
        "id": str(GUILD),
        "name": "@everyone",
        "permissions": str(allowed),
        "position": 0,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    return {
        "id": str(GUILD),
        "name": "room",
        "owner_id": str(OWNER),
        "unavailable": False,
        "member_count": 2,
        "large": False,
        "joined_at": "2026-01-02T00:00:00+00:00",
        "roles": [everyone],
        "members": [member(me())],
        "channels": channels,
        "threads": threads,
        **dict.fromkeys(_NONE, ()),
        **dict.fromkeys(_ZERO, 0),
        "premium_progress_bar_enabled": False,
        "preferred_locale": "en-US",
        "afk_timeout": 300,
    }


def member(user: dict[str, Any], nick: str | None = None) -> dict[str, Any]:
    return {
        "user": user,
        "nick": nick,
        "roles": [],
        "joined_at": "2026-01-02T00:00:00+00:00",
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def channel(number: int, kind: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": kind,
        "guild_id": str(GUILD),
        "name": name,
        "position": 0,
        "permission_overwrites": [],
        "available_tags": [],
    }


def thread(number: int, parent: int, name: str) -> dict[str, Any]:
    return {
        "id": str(number),
        "type": THREAD,
        "guild_id": str(GUILD),
        "parent_id": str(parent),
        "owner_id": str(OWNER),
        "name": name,
        "message_count": 0,
        "member_count": 1,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 60,
            "archive_timestamp": "2026-01-02T00:00:00+00:00",
            "locked": False,
        },
    }


def message(number: int, channel: int, author: Author, text: str, **more: Any) -> dict[str, Any]:
    row = {
        "id": str(number),
        "type": 0,
        "channel_id": str(channel),
        "author": author.user(),
        "content": text,
        "timestamp": iso(((number >> 22) + EPOCH_MS) * 1_000_000),
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": "@everyone" in text,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "flags": 0,
    }
    if author.webhook:
        row["webhook_id"] = str(author.id)
    return row | more


def embed(**parts: Any) -> dict[str, Any]:
    """An embed that a bot made: title, description, fields [(name, value)], author (a name)."""
    row: dict[str, Any] = {"type": "rich", **parts}
    if "fields" in row:
        row["fields"] = [{"name": name, "value": value, "inline": True} for name, value in row["fields"]]
    if "author" in row:
        row["author"] = {"name": row["author"]}
    return row
