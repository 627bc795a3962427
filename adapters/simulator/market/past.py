"""Days of generated history: minute bars drawn directly, without ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random

from adapters.simulator.exchange.hours import market_open, practice_days_before, session, trade_date
from adapters.simulator.market.fair_prices import Forces
from adapters.simulator.market.traits import PRINTS_A_BURST, SIZE_A_PRINT, TRAITS, Traits
from adapters.simulator.market.volatility import SESSION_MINUTES
from engine.model.market import MINUTE, Bar, Timeframe

DAYS = 6
"""Full trading days before the day of play."""


def practice_minutes(start_ts: int, days: int = DAYS) -> list[int]:
    """Open times of the minutes of some practice days and of the day of play, up to its start."""
    today = trade_date(start_ts)
    minutes: list[int] = []
    for day in (*practice_days_before(today, days), today):
        opened = session(day).open
        minutes += range(opened, opened + SESSION_MINUTES * MINUTE, MINUTE)
    return [ts for ts in minutes if ts + MINUTE <= start_ts]


def minutes_between(ended_ts: int, start_ts: int) -> list[int]:
    """Open times of the minutes in which the market was open between the last bar's end and a start."""
    return [ts for ts in range(ended_ts, start_ts - MINUTE + 1, MINUTE) if market_open(ts)]


def draw(rng: Random, forces: Forces, minutes: Iterable[int]) -> dict[str, list[Bar]]:
    """Minute bars of every contract, moving the forces along to the last minute's close."""
    bars: dict[str, list[Bar]] = {traits.symbol: [] for traits in TRAITS}
    before: int | None = None
    opened = 0
    for ts in minutes:
        if before is None or ts - before > 30 * MINUTE:
            opened = session(trade_date(ts)).open
            if before is not None:
                forces.gap()
        before = ts
        minute = (ts - opened) // MINUTE
        opens = forces.prices()
        forces.step(1.0, minute)
        forces.move(1.0)
        for family, (was, fair) in enumerate(zip(opens, forces.fairs, strict=True)):
            weather = forces.weather_of(family)
            high = fair.reach(weather, was, 1.0 - rng.random(), 1)
            low = fair.reach(weather, was, 1.0 - rng.random(), -1)
            busy = weather.activity(minute) * math.exp(0.3 * rng.gauss(0, 1)) * weather.vol**0.3
            for traits in forces.members(family):
                bars[traits.symbol].append(_bar(traits, ts, was, high, low, fair.price, busy))
    return bars


def _bar(traits: Traits, ts: int, opened: float, high: float, low: float, closed: float, busy: float) -> Bar:
    first, last = math.floor(opened + traits.phase), math.floor(closed + traits.phase)
    top = max(first, last, math.floor(high + traits.phase))
    bottom = min(first, last, math.floor(low + traits.phase))
    volume = max(1, round(traits.bursts * 60 * PRINTS_A_BURST * SIZE_A_PRINT * busy))
    return Bar(traits.symbol, Timeframe.M1, ts, first, top, bottom, last, volume)
