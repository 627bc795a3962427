"""The sections [discord] and [rooms.NAME] of tstream.toml: the bot, and what is traded of which room."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from engine.model.rooms import AlertRoom
from tstream.settings.declared import DeclaredSection, keys_of
from tstream.settings.fields import CommaSeparated, Section, need, refuse, setting
from tstream.settings.instruments import Symbol
from tstream.settings.notify import Ids
from tstream.settings.sections import BaseUrl, SocketUrl
from tstream.settings.sizing import GradeSizing, Sizings, refuse_moved, sizing_key

_API_URL, _GATEWAY_URL = "https://discord.com/api/v10", "wss://gateway.discord.gg/"

_ROOM = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")


def _room_name(name: str) -> str:
    if not _ROOM.fullmatch(name):
        raise refuse("must be a short name of small letters, digits and hyphens")
    return name


RoomName = Annotated[str, AfterValidator(_room_name)]
Points = Annotated[tuple[Decimal, ...], NoDecode, CommaSeparated]
Names = Annotated[tuple[str, ...], NoDecode, CommaSeparated]


class DiscordSettings(Section):
    """The bot that reads the rooms. Its token: only from .env or the environment."""

    token: SecretStr = setting(SecretStr(""), "The bot's token, from the Developer Portal.", reload="live")
    api_url: BaseUrl = setting(_API_URL, "Base URL of the REST interface.", allowed="a URL")
    gateway_url: SocketUrl = setting(_GATEWAY_URL, "Address of the gateway.", allowed="a wss:// URL")


@keys_of(
    AlertRoom("", {}),
    AlertRoom("", {}).sizes,
    targets_points=Annotated[Points, Field(min_length=1, max_length=2)],
    books=Names,
    no_alert_words=Names,
)
class RoomSettings(DeclaredSection):
    """A room whose alerts are traded: where it is, who is listened to, and within which bounds."""

    channels: Ids = setting((), "Ids of its channels.", reload="live", allowed="a list of channel ids")
    authors: Ids = setting(
        (), "Ids of the people, bots and webhooks whose posts count.", reload="live", allowed="a list of ids"
    )
    author_names: Names = setting(
        (),
        "Account names where the ids are not known yet; second best, and warned of.",
        reload="live",
        allowed="a list of account names",
    )
    replies: bool = setting(True, "Read answers to other messages too.", reload="live")
    threads: bool = setting(False, "Read threads under the channels too.", reload="live")
    forwards: bool = setting(True, "Read messages that an author forwards from elsewhere.", reload="live")
    contracts: dict[str, Symbol] = setting(
        {"ES": "MES", "NQ": "MNQ", "GC": "MGC"},
        "What is traded for each contract that the room names.",
        reload="live",
        allowed="a table from the room's contract to one of MNQ, NQ, MES, ES, MGC, GC",
    )

    sizing: Sizings | None = sizing_key(
        "How large its trades are.", "that of the book; by grade where that has none"
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        authors = "authors" if not self.author_names else "author_names"
        need(self, "rooms.NAME", ("channels", authors), "or nothing is read")
        if not self.size_a >= self.size_b >= self.size_c:
            raise refuse(
                "must not be smaller than size_b, nor size_b than size_c", key="size_a", value=self.size_a
            )
        if self.stop_nearest_points >= self.stop_farthest_points:
            raise refuse(
                "must be below stop_farthest_points",
                key="stop_nearest_points",
                value=self.stop_nearest_points,
            )
        if list(self.targets_points) != sorted(set(self.targets_points)) or self.targets_points[0] <= 0:
            raise refuse("must be positive, the nearer one first", key="targets_points")
        graded = getattr(self.sizing, "base", self.sizing)
        if isinstance(graded, GradeSizing) and graded.model_fields_set & {"a", "b", "c"}:
            raise refuse("says a, b and c, which are a room's size_a, size_b and size_c", key="sizing")
        return self

    _moved = model_validator(mode="before")(refuse_moved)
