"""From where on people are told of a risk: each field is a key of [watch] in tstream.toml."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from engine.model.market import NANOS
from engine.model.setting import live


class Watched(StrEnum):
    """What is watched."""

    DRAWDOWN = "drawdown"
    VOLATILITY = "volatility"
    COMPONENT = "component"


class WatchLimits(Struct, frozen=True):
    """They tell and never act: limits that act are those of [risk]. 0 is off."""

    drawdown_percent: Annotated[
        Decimal,
        live(gt=0, le=100, off=True),
        "Tell when the equity of a book is so far below the highest of its last thirty days, open positions "
        "at the mark, per cent of that.",
    ] = Decimal(10)
    volatility_percent: Annotated[
        Decimal,
        live(gt=0, le=1000, off=True),
        "Tell when the yearly volatility of a book's last thirty days is above this, per cent.",
    ] = Decimal(60)
    component_ns: Annotated[
        int,
        live(key="component_seconds", unit=NANOS, kind=float, ge=5, le=86400),
        "Tell again, loudly, of a component that has failed and has not come back within so many seconds.",
    ] = 60 * NANOS
    disk_free_mb: Annotated[
        int,
        live(ge=1, le=10_000_000, off=True),
        "The disk of the journal counts as failed with less than this left, MB.",
    ] = 500
