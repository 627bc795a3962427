"""Discord's JSON of a message, as far as it is read (docs/protocols/discord.md#message-object)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.common import stamps

Snowflake = Annotated[str, Meta(pattern="^[0-9]{1,20}$")]

EPOCH_MS = 1_420_070_400_000
"""2015-01-01 UTC."""

MS = 1_000_000
"""Nanoseconds."""


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


class SnapshotBody(Body):
    timestamp: str | None = None
    """When the forwarded message was posted."""


class Snapshot(Struct):
    message: SnapshotBody


class Reference(Struct):
    message_id: Snowflake | None = None


CROSSPOST = 1 << 1
"""Flag of a message that a followed channel sent on."""


class MessageKind:
    """Message types that somebody wrote; all others are notes of Discord itself."""

    DEFAULT = 0
    REPLY = 19
    CHAT_COMMAND = 20
    CONTEXT_COMMAND = 23


class RoomMessage(Struct):
    id: Snowflake
    channel_id: Snowflake
    content: str | UnsetType | None = UNSET
    """Missing where an update tells only what has changed."""
    author: User | None = None
    webhook_id: Snowflake | None = None
    edited_timestamp: str | None = None
    type: int = MessageKind.DEFAULT
    embeds: list[Embed] | None = None
    components: list[Component] | None = None
    message_snapshots: list[Snapshot] | None = None
    message_reference: Reference | None = None
    """Which message this one answers, forwards or sends on."""
    flags: int = 0
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


def created_ts(snowflake: int) -> int:
    """When an id was given, nanoseconds UTC, to the millisecond."""
    return ((snowflake >> 22) + EPOCH_MS) * MS


def first_id_at(ts: int) -> int:
    """The least id that can be given at a time, nanoseconds UTC."""
    return max(0, ts // MS - EPOCH_MS) << 22


def first_posted_ts(message: RoomMessage, *, forwards: bool) -> int:
    """When the words of a message were first posted, nanoseconds UTC: of one that is sent on, where it comes
    from (F44). 0 where that can't be told. Without `forwards` a snapshot's words are none of the message's.
    """
    posted = created_ts(int(message.id))
    snapshots = (message.message_snapshots or ()) if forwards else ()
    if not snapshots and not message.flags & CROSSPOST:
        return posted
    of = message.message_reference.message_id if message.message_reference is not None else None
    known = [iso_ts(snapshot.message.timestamp) for snapshot in snapshots]
    known += [created_ts(int(of))] if of is not None else []
    return min([posted, *(ts for ts in known if ts)]) if any(known) else 0


def iso_ts(text: str | None) -> int:
    """An ISO 8601 stamp in nanoseconds UTC; 0 for none and for what is no stamp."""
    try:
        return stamps.parse(text or "")
    except ValueError:
        return 0
