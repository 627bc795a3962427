"""What a run came to: trades, net result, win rate, profit factor, drawdown; or why nothing was traded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

from engine.lab.second_opinion import OpinionReport
from engine.model.instrument import Instrument
from engine.portfolio.statistics import record_of
from engine.state.position import Position, Trade

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?:x\b|(?!\w))")
"""Timeframes such as 15m and names of contracts are none."""


class Summary(Struct, frozen=True):
    """Money in `currency`, net of costs. Figures that need a trade are None without one."""

    trades: int
    net_usd: Decimal
    costs_usd: Decimal
    """Of the trades, and of what the open positions have cost so far."""
    win_rate: float | None
    """0..1."""
    profit_factor: float | None
    """None where nothing was lost."""
    max_drawdown_usd: Decimal
    """Deepest fall of the equity from its high, at every event, open positions at what they could be closed
    for.
    """
    open_positions: tuple[tuple[str, Decimal], ...]
    """Instrument and signed quantity of what the run has left open; its P&L counts nowhere here."""
    refusals: tuple[tuple[str, int], ...]
    """Reasons against entries, most frequent first."""
    fills: str
    """How orders were filled: the fill model in words, or by whom."""
    currency: str = "USD"
    held_over: int = 0
    """How often a position was held where the recording has no prices, and its market has."""
    opinion: OpinionReport | None = None
    """Of a run in virtual time in which a second opinion was wanted."""


def summarise(
    trades: Iterable[Trade],
    positions: Iterable[Position],
    refusals: Mapping[str, int],
    fills: str,
    max_drawdown_usd: Decimal,
    instruments: Mapping[str, Instrument],
    currency: str = "USD",
    opinion: OpinionReport | None = None,
) -> Summary:
    """`refusals` counts the sentences against entries; trades do not tell how deep equity fell in between."""
    ended = list(trades)
    record = record_of(ended)
    costs = sum((trade.costs_usd for trade in ended), Decimal(0))
    held = [position for position in positions if position.qty]
    costs += sum((position.costs_usd for position in held), Decimal(0))
    return Summary(
        trades=record.trades,
        net_usd=record.net_usd,
        costs_usd=costs,
        win_rate=record.win_rate,
        profit_factor=record.profit_factor,
        max_drawdown_usd=max_drawdown_usd,
        open_positions=tuple((p.instrument, instruments[p.instrument].qty(p.qty)) for p in held),
        refusals=tuple(_alike(refusals)[:8]),
        fills=fills,
        currency=currency,
        opinion=opinion,
    )


def _alike(refusals: Mapping[str, int]) -> list[tuple[str, int]]:
    """Reasons that differ in their numbers only, counted as one and told by the most frequent of them; the
    most frequent first.
    """
    kinds: dict[str, Counter[str]] = {}
    for reason, count in refusals.items():
        kinds.setdefault(_NUMBER.sub("n", reason), Counter())[reason] += count
    told = [
        (kind.most_common(1)[0][0] + " and the like" * (len(kind) > 1), kind.total())
        for kind in kinds.values()
    ]
    return sorted(told, key=lambda one: -one[1])
