"""From an alert to a trade that makes sense: on the contract's grid, near its market, in bounds.

Two halves: `terms` knows the room only, `against_market` the market only. Each gives the trade or the one
reason why not (docs/alerts.md#reasons, F31).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from engine.model.alerts import Grade, Reason, Terms
from engine.model.instrument import Instrument, OffGridError
from engine.model.market import NANOS, Side
from engine.model.plans import Idea
from engine.model.rooms import AlertRoom
from engine.strategies.alerts.alert import Alert, Unread

_MONTH = re.compile(r"[FGHJKMNQUVXZ]\d{1,2}")
_HIGHEST = Decimal(10_000_000)
MOST_TARGETS = 2
"""Targets that a trade has. Of more the nearest are taken, and people are told."""


class Market(NamedTuple):
    """What is known of a contract's price now, ticks."""

    bid: int | None
    ask: int | None
    last: int | None
    age_ns: int | None
    """Since the newest of them came; None before the first."""

    def entry(self, side: Side) -> int | None:
        """About where a market order would be filled."""
        touch = self.ask if side is Side.BUY else self.bid
        return touch if touch is not None else self.last


def symbol_for(root: str, contracts: Mapping[str, str]) -> str | None:
    """What is traded for the room's contract. A month, whichever it is, means its root
    (docs/semantics.md#contract-months, F29).
    """
    exact = contracts.get(root)
    if exact is not None:
        return exact
    # The longest root first: "MESM6" is MES and not "ME".
    for known in sorted(contracts, key=len, reverse=True):
        if root.startswith(known) and _MONTH.fullmatch(root[len(known) :]):
            return contracts[known]
    return None


def terms(
    alert: Alert, room: AlertRoom, instruments: Mapping[str, Instrument], *, running: bool = False
) -> Terms | Unread:
    """The trade in ticks, checked against the room's bounds. Raises nothing, whatever the parser gave.

    Of a `running` trade the stop may have passed the entry: only its grid is looked at.
    """
    symbol = symbol_for(alert.root, room.contracts)
    instrument = instruments.get(symbol) if symbol is not None else None
    if symbol is None or instrument is None:
        return Unread(Reason.UNKNOWN_CONTRACT)
    given = (alert.entry, alert.stop, *alert.targets)
    if not all(price.is_finite() and 0 < price < _HIGHEST for price in given):
        return Unread(Reason.BAD_PRICE)
    sign = alert.side.sign
    distance = (alert.entry - alert.stop) * sign
    if distance <= 0 and not running:
        return Unread(Reason.STOP_SIDE)
    if not running and not room.stop_nearest <= distance <= room.stop_farthest:
        allowed = f"{room.stop_nearest} to {room.stop_farthest}"
        return Unread(Reason.STOP_DISTANCE, f"{_plain(distance)} points, allowed {allowed}")
    try:
        entry, stop = instrument.ticks(alert.entry), instrument.ticks(alert.stop)
        targets = tuple(instrument.ticks(price) for price in alert.targets)
    except OffGridError:
        return Unread(Reason.OFF_GRID, f"ticks of {symbol} are {instrument.tick_size}")
    if not targets:
        targets = tuple(entry + sign * _ticks(instrument, points) for points in room.targets)
    ahead = [(target - entry) * sign for target in targets]
    if any(ticks <= 0 for ticks in ahead) or ahead != sorted(set(ahead)):
        return Unread(Reason.TARGET_ORDER)
    qty = _size(alert.grade, room)
    if qty is None:
        return Unread(Reason.NO_SIZE)
    return Terms(symbol, alert.side, entry, stop, targets[:MOST_TARGETS], qty, alert.grade)


def against_market(wanted: Terms, room: AlertRoom, instrument: Instrument, market: Market) -> int | Unread:
    """The price at which the trade would be entered now, ticks, or why it must not be."""
    now = market.entry(wanted.side)
    if now is None or market.age_ns is None or market.age_ns > room.price_age_ns:
        detail = "" if market.age_ns is None else f"the last one is {market.age_ns // NANOS} s old"
        return Unread(Reason.NO_MARKET, detail)
    away = instrument.price(abs(wanted.entry - now))
    if away > room.entry_distance:
        detail = f"{_plain(away)} points from {instrument.text(now)}, allowed {room.entry_distance}"
        return Unread(Reason.FAR_FROM_MARKET, detail)
    sign = wanted.side.sign
    seen = [now] if market.last is None else [now, market.last]
    if any((price - wanted.stop) * sign <= 0 for price in seen):
        return Unread(Reason.PASSED, "the stop")
    if wanted.targets and any((wanted.targets[0] - price) * sign <= 0 for price in seen):
        return Unread(Reason.PASSED, "the first target")
    return now


def idea(wanted: Terms, room: AlertRoom, origin: str, reference: int, ts: int) -> Idea:
    """What the gate is asked. Offsets count from the market's price now, so that a native bracket stands
    right at once; stop and targets are the alert's own, which the order manager sees to after the fill.
    """
    letter = f" {wanted.grade.value}" if wanted.grade is not None else ""
    return Idea(
        strategy=room.name,
        instrument=wanted.instrument,
        side=wanted.side,
        reference=reference,
        stop=wanted.stop,
        targets=wanted.targets,
        score_tenths=0,
        reasons=(f"alert{letter}",),
        ts=ts,
        origin=origin,
    )


def _size(grade: Grade | None, room: AlertRoom) -> int | None:
    return (room.default_size or None) if grade is None else room.sizes.contracts(grade)


def _ticks(instrument: Instrument, points: Decimal) -> int:
    """Points as ticks, to the nearest one that is no farther."""
    return int(points // instrument.tick_size)


def _plain(points: Decimal) -> str:
    return f"{points.normalize():f}"
