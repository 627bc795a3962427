"""Size policies: how many lots a trade begins with, before limits make it smaller (docs/semantics.md#sizers).

Most fields are keys of a table `sizing = { kind = "...", ... }` in tstream.toml.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from msgspec import Struct

from engine.model.setting import live, needed


class ByGrade(Struct, frozen=True, tag="grade", tag_field="kind"):
    """So many lots for each grade: that of an alert by its room's sizes, else that of the score."""

    a: Annotated[
        int, live(loosens="more", ge=1, le=1_000_000), "Lots of grade A (an alert's are its room's size_a)."
    ] = 3
    b: Annotated[int, live(loosens="more", ge=1, le=1_000_000), "Lots of grade B."] = 2
    c: Annotated[int, live(loosens="more", ge=1, le=1_000_000), "Lots of grade C."] = 1
    a_tenths: Annotated[
        int,
        live(loosens="less", key="a_score", unit=10, kind=float, ge=0, le=10),
        "An idea of this score or more, out of ten, is of grade A.",
    ] = 80
    b_tenths: Annotated[
        int,
        live(loosens="less", key="b_score", unit=10, kind=float, ge=0, le=10),
        "An idea of this score or more is of grade B, any other of C.",
    ] = 70


class ByRisk(Struct, frozen=True, tag="risk", tag_field="kind"):
    """As many as may lose an amount at their stop."""

    usd: Annotated[
        Decimal | None,
        live(loosens="more", gt=0, default="risk.per_trade_usd"),
        "What a trade may lose at its stop, costs included, USD.",
    ] = None


class ByEquity(Struct, frozen=True, tag="equity", tag_field="kind"):
    """As many as may lose a share of the book's equity at their stop."""

    percent: Annotated[
        Decimal, live(loosens="more", gt=0, le=10), "Of the equity, at risk by a trade, per cent."
    ] = Decimal(2)


class ByEquityNotional(Struct, frozen=True, tag="equity_notional", tag_field="kind"):
    """As many as are worth a share of the book's equity."""

    percent: Annotated[
        Decimal,
        needed(loosens="more", gt=0, le=5000),
        "What a trade is worth, per cent of the equity (200 is twice as much as there is).",
    ]


class ByNotional(Struct, frozen=True, tag="notional", tag_field="kind"):
    """As many as are worth an amount."""

    usd: Annotated[Decimal, needed(loosens="more", gt=0), "What a trade is worth, USD."]


PlainSizing = ByGrade | ByRisk | ByEquity | ByEquityNotional | ByNotional


class ByKelly(Struct, frozen=True, tag="kelly", tag_field="kind"):
    """As many as may lose a part of the Kelly fraction of the equity, by the bot's or room's own closed
    trades in the book; of too few trades another policy's answer stands (docs/semantics.md#kelly-fraction).
    """

    base: PlainSizing = ByRisk()
    """Counts while there are too few trades, or while the equity is not known."""
    percent: Annotated[
        Decimal, live(loosens="more", gt=0, le=100), "Share of the Kelly fraction that is used, per cent."
    ] = Decimal(25)
    most_percent: Annotated[
        Decimal,
        live(loosens="more", gt=0, le=10),
        "Never more of the equity is at risk by a trade, per cent.",
    ] = Decimal(2)


class ByConfidence(Struct, frozen=True, tag="confidence", tag_field="kind"):
    """Another policy's answer, scaled by how good the idea is: its score out of ten, or an alert's size out
    of its room's A.
    """

    base: PlainSizing | ByKelly = ByRisk()
    least_percent: Annotated[
        Decimal,
        live(loosens="more", ge=0, le=100),
        "Of the base's size, for a score of 0, per cent.",
    ] = Decimal(50)
    most_percent: Annotated[
        Decimal,
        live(loosens="more", gt=0, le=300),
        "Of the base's size, for a score of 10, per cent.",
    ] = Decimal(100)


Sizing = PlainSizing | ByKelly | ByConfidence

KINDS: dict[type, str] = {
    policy: str(policy.__struct_config__.tag)
    for policy in (ByGrade, ByRisk, ByEquity, ByEquityNotional, ByNotional, ByKelly, ByConfidence)
}
"""As people write them: `kind = "risk"`."""
