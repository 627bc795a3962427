"""Rooms of alerts that are traded, and how big. Most fields are keys of [rooms.NAME] in tstream.toml."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.alerts import Grade
from engine.model.market import MINUTE, NANOS
from engine.model.setting import restart


class AfterFill(StrEnum):
    """What an edit of an alert does to the trade that is open for it."""

    IGNORE = "ignore"
    TIGHTEN = "tighten"
    """Its stop follows where that is tighter, its targets wherever they go."""


class SizePolicy(StrEnum):
    """How many contracts a trade is begun with, before the limits make it smaller
    (docs/semantics.md#sizers).
    """

    GRADE = "grade"
    """The number that its letter stands for."""
    RISK = "risk"
    """What may be lost by a trade, over what one contract loses at the stop."""
    EQUITY = "equity"
    """The same with a share of the account's equity."""
    NOTIONAL = "notional"
    """An amount of the contract's worth."""


class Sizing(Struct, frozen=True):
    """A size policy with what it needs to know. Each is an upper bound: every risk limit still holds."""

    policy: Annotated[
        SizePolicy,
        restart(
            "How the size is decided: by letter, by risk.per_trade_usd, by a share of the equity, by an "
            "amount of the contract's worth.",
            key="sizing",
        ),
    ] = SizePolicy.RISK
    equity_percent: Annotated[
        Decimal, restart('Of the equity, at risk by a trade where sizing is "equity".', gt=0, le=10)
    ] = Decimal(1)
    notional_usd: Annotated[Decimal, restart('Worth of a trade where sizing is "notional", USD.', ge=0)] = (
        Decimal(0)
    )
    kelly_percent: Annotated[
        int, restart("Share of the Kelly fraction that caps any size; 0 is off.", ge=0, le=100)
    ] = 0
    confidence_least: Decimal | None = None
    """Share of the size that a trade of no confidence gets, up to all of it at full; None is off."""


class GradeSizes(Struct, frozen=True):
    """Contracts by letter. C is the base; where nothing else is said B is twice and A three times it."""

    c: Annotated[int, restart("Contracts of an alert of size C.", key="size_c", ge=1, le=100)] = 1
    b: Annotated[int | None, restart("Contracts of an alert of size B.", key="size_b", ge=1, le=100)] = None
    a: Annotated[int | None, restart("Contracts of an alert of size A.", key="size_a", ge=1, le=100)] = None

    def contracts(self, grade: Grade) -> int:
        b = self.b if self.b is not None else 2 * self.c
        a = self.a if self.a is not None else 3 * self.c
        return {Grade.A: a, Grade.B: b, Grade.C: self.c}[grade]


class AlertRoom(Struct, frozen=True):
    """One room of alerts. Points are price units of the room's contract; a limit of 0 is off."""

    name: str
    contracts: dict[str, str]
    """The room's contract to the one that is traded for it: {"ES": "MES"}. Both on the same tick grid."""
    parser: Annotated[str, restart("Who reads the texts: the built-in parser, or a plug-in's name.")] = (
        "futures-room"
    )
    variants: Annotated[bool, restart("Also take the looser forms, with targets and size in the text.")] = (
        False
    )
    sizes: GradeSizes = GradeSizes(1, 2, 3)
    default_size: Annotated[
        int, restart("Contracts of an alert without a letter; 0 refuses it.", ge=0, le=100)
    ] = 0
    sizing: Sizing = Sizing(SizePolicy.GRADE)
    targets: Annotated[
        tuple[Decimal, ...],
        restart(
            "Points from the entry to the targets, where the text has none.",
            key="targets_points",
            allowed="a list of points, the nearer one first",
        ),
    ] = (Decimal(7), Decimal(12))
    stop_nearest: Annotated[
        Decimal, restart("Least points from entry to stop.", key="stop_nearest_points", gt=0)
    ] = Decimal(2)
    stop_farthest: Annotated[
        Decimal, restart("Most points from entry to stop.", key="stop_farthest_points", gt=0)
    ] = Decimal(50)
    entry_distance: Annotated[
        Decimal,
        restart("Points that the market may be from the alert's entry.", key="entry_distance_points", gt=0),
    ] = Decimal(5)
    max_age_ns: Annotated[
        int,
        restart(
            "Older alerts are shown and never traded.",
            key="max_age_seconds",
            unit=NANOS,
            kind=float,
            ge=1,
            le=600,
        ),
    ] = MINUTE
    price_age_ns: Annotated[
        int,
        restart(
            "The market's price must be no older than this.",
            key="price_age_seconds",
            unit=NANOS,
            kind=float,
            ge=1,
            le=120,
        ),
    ] = 10 * NANOS
    repeat_ns: Annotated[
        int,
        restart(
            "The same trade in another message within this time is the same alert.",
            key="repeat_seconds",
            unit=NANOS,
            kind=float,
            ge=0,
        ),
    ] = MINUTE
    books: Annotated[
        tuple[str, ...],
        restart("The books that follow the room; empty means all.", allowed="a list of books"),
    ] = ()
    max_trades: Annotated[int, restart("Alerts traded per day; 0 is no limit.", ge=0)] = 0
    max_loss_usd: Annotated[
        Decimal, restart("Net loss by the room per day and book, USD; 0 is no limit.", ge=0)
    ] = Decimal(0)
    reward_to_risk_min: Annotated[
        float, restart("Least reward at the first target over risk.", ge=0, le=10)
    ] = 0.0
    """Scores are the strategies', and are not asked of alerts."""
    after_fill: Annotated[
        AfterFill,
        restart(
            "What an edit does to an open trade: nothing; or its targets follow, and its stop where that is "
            "tighter.",
        ),
    ] = AfterFill.IGNORE

    def follows(self, book: str) -> bool:
        """Whether the book trades this room."""
        return not self.books or book in self.books
