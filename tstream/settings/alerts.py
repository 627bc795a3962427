"""The sections [discord] and [rooms.NAME] of tstream.toml: the bot, and what is traded of which room."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr, model_validator
from pydantic_settings import NoDecode

from engine.model.config import AfterFill, AlertRoom, SizePolicy
from tstream.settings.fields import CommaSeparated, Number, Usd, Whole, refuse, setting
from tstream.settings.notify import Ids
from tstream.settings.sections import BaseUrl, Contract, Section, SocketUrl

_D = AlertRoom("", {})
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

    token: SecretStr = setting(SecretStr(""), "The bot's token, from the Developer Portal.", reload="restart")
    api_url: BaseUrl = setting(_API_URL, "Base URL of the REST interface.", reload="restart", allowed="a URL")
    gateway_url: SocketUrl = setting(
        _GATEWAY_URL, "Address of the gateway.", reload="restart", allowed="a wss:// URL"
    )


class RoomSettings(Section):
    """A room whose alerts are traded: where it is, who is listened to, and within which bounds."""

    channels: Ids = setting((), "Ids of its channels.", reload="restart", allowed="a list of channel ids")
    authors: Ids = setting(
        (),
        "Ids of the people, bots and webhooks whose posts count.",
        reload="restart",
        allowed="a list of ids",
    )
    author_names: Names = setting(
        (),
        "Account names where the ids are not known yet; second best, and warned of.",
        reload="restart",
        allowed="a list of account names",
    )
    replies: bool = setting(True, "Read answers to other messages too.", reload="restart")
    threads: bool = setting(False, "Read threads under the channels too.", reload="restart")
    forwards: bool = setting(True, "Read messages that an author forwards from elsewhere.", reload="restart")
    parser: str = setting(
        _D.parser, "Who reads the texts: the built-in parser, or a plug-in's name.", reload="restart"
    )
    variants: bool = setting(
        _D.variants, "Also take the looser forms, with targets and size in the text.", reload="restart"
    )
    contracts: dict[str, Contract] = setting(
        {"ES": "MES", "NQ": "MNQ", "GC": "MGC"},
        "What is traded for each contract that the room names.",
        reload="restart",
        allowed="a table from the room's contract to one of MNQ, NQ, MES, ES, MGC, GC",
    )
    size_a: Whole = setting(3, "Contracts of an alert of size A.", reload="restart", ge=1, le=100)
    size_b: Whole = setting(2, "Contracts of an alert of size B.", reload="restart", ge=1, le=100)
    size_c: Whole = setting(1, "Contracts of an alert of size C.", reload="restart", ge=1, le=100)
    default_size: Whole = setting(
        0, "Contracts of an alert without a letter; 0 refuses it.", reload="restart", ge=0, le=100
    )
    sizing: SizePolicy = setting(
        SizePolicy.GRADE,
        "How the size is decided: by letter, by risk.per_trade_usd, by a share of the equity, by an amount "
        "of the contract's worth.",
        reload="restart",
    )
    equity_percent: Usd = setting(
        Decimal(1),
        'Of the equity, at risk by a trade where sizing is "equity".',
        reload="restart",
        gt=0,
        le=10,
    )
    notional_usd: Usd = setting(
        Decimal(0), 'Worth of a trade where sizing is "notional", USD.', reload="restart", ge=0
    )
    kelly_percent: Whole = setting(
        0, "Share of the Kelly fraction that caps any size; 0 is off.", reload="restart", ge=0, le=100
    )
    targets_points: Points = setting(
        _D.targets,
        "Points from the entry to the targets, where the text has none.",
        reload="restart",
        allowed="a list of points, the nearer one first",
        min_length=1,
        max_length=2,
    )
    stop_nearest_points: Usd = setting(
        _D.stop_nearest, "Least points from entry to stop.", reload="restart", gt=0
    )
    stop_farthest_points: Usd = setting(
        _D.stop_farthest, "Most points from entry to stop.", reload="restart", gt=0
    )
    entry_distance_points: Usd = setting(
        _D.entry_distance, "Points that the market may be from the alert's entry.", reload="restart", gt=0
    )
    max_age_seconds: Number = setting(
        60.0, "Older alerts are shown and never traded.", reload="restart", ge=1, le=600
    )
    price_age_seconds: Number = setting(
        10.0, "The market's price must be no older than this.", reload="restart", ge=1, le=120
    )
    repeat_seconds: Number = setting(
        60.0, "The same trade in another message within this time is the same alert.", reload="restart", ge=0
    )
    books: Names = setting(
        (), "The books that follow the room; empty means all.", reload="restart", allowed="a list of books"
    )
    max_trades: Whole = setting(0, "Alerts traded per day; 0 is no limit.", reload="restart", ge=0)
    max_loss_usd: Usd = setting(
        Decimal(0), "Net loss by the room per day and book, USD; 0 is no limit.", reload="restart", ge=0
    )
    reward_to_risk_min: Number = setting(
        0.0, "Least reward at the first target over risk.", reload="restart", ge=0, le=10
    )
    after_fill: AfterFill = setting(
        AfterFill.IGNORE,
        "What an edit does to an open trade: nothing; or its targets follow, and its stop where that is "
        "tighter.",
        reload="restart",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.channels:
            raise refuse("is needed: without a channel nothing is read", key="channels")
        if not self.authors and not self.author_names:
            raise refuse("is needed: without an author nothing is read", key="authors")
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
        if self.sizing is SizePolicy.NOTIONAL and not self.notional_usd:
            raise refuse('is needed where sizing is "notional"', key="notional_usd")
        return self
