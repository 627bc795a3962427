"""Discord's JSON of a message, as far as it is read (docs/protocols/discord.md#message-object)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Snowflake = Annotated[str, Meta(pattern="^[0-9]{1,20}$")]


class User(Struct):
    id: Snowflake
    username: str = ""
    discriminator: str | None = None
    """Four digits; "0" or nothing where the account has none."""
    bot: bool = False


class Interaction(Struct):
    user: User


class EmbedAuthor(Struct):
    name: str | None = None


class EmbedField(Struct):
    name: str | None = None
    value: str | None = None


class Embed(Struct):
    type: str | None = None
    title: str | None = None
    description: str | None = None
    author: EmbedAuthor | None = None
    fields: list[EmbedField] | None = None


class Component(Struct):
    type: int
    content: str | None = None
    """Of a text display."""
    components: list[Component] | None = None
    """Of a container or section."""


class Body(Struct):
    """What a message says; of a forwarded one too."""

    content: str | None = None
    embeds: list[Embed] | None = None
    components: list[Component] | None = None


class Snapshot(Struct):
    message: Body


class Kind:
    """Message types that somebody wrote; all others are notes of Discord itself."""

    DEFAULT = 0
    REPLY = 19
    CHAT_COMMAND = 20
    CONTEXT_COMMAND = 23


class Message(Struct):
    id: Snowflake
    channel_id: Snowflake
    content: str | UnsetType | None = UNSET
    """Missing where an update tells only what has changed."""
    author: User | None = None
    webhook_id: Snowflake | None = None
    edited_timestamp: str | None = None
    type: int = Kind.DEFAULT
    embeds: list[Embed] | None = None
    components: list[Component] | None = None
    message_snapshots: list[Snapshot] | None = None
    interaction_metadata: Interaction | None = None
    """Who called the command that this is the answer to."""


class Deletion(Struct):
    id: Snowflake
    channel_id: Snowflake


class BulkDeletion(Struct):
    ids: list[Snowflake]
    channel_id: Snowflake


RICH: Literal["rich"] = "rich"
"""Embeds that their author made; the other types are previews of links."""

TEXT_DISPLAY = 10
"""Component type."""
