"""A seeded market that behaves believably: what the practice venue plays when there is no tape.

Days of history before it are minute bars drawn directly, without ticks.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from math import floor
from random import Random

from msgspec import Struct

from adapters.simulator.market.hours import market_open, practice_days_before, session, trade_date
from adapters.simulator.market.price_model import (
    LEADERS,
    OPENING,
    PRINTS_A_BURST,
    SESSION_MINUTES,
    SIZE_A_PRINT,
    TRAITS,
    ContractTraits,
    FairPrices,
)
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, Bar, Side, Timeframe

HISTORY_DAYS = 6
"""Full trading days before the day of play."""
_MILLI = 1_000_000
_MS_A_MINUTE = 60_000
_SLACK = 0.3
"""How far the fair price may leave the quote before the quote follows, ticks."""
_MORE_PRINTS = 0.4
_MOST_PRINTS = 15
_MOST_CONTRACTS = 60


class Past(Struct):
    """What an earlier run of the venue has shown, so that a later one can go on from there."""

    bars: Mapping[str, Sequence[Bar]]
    """Closed minute bars, oldest first, by symbol."""
    prices: Mapping[str, int]
    """Last prices, ticks, by symbol."""


class _ContractQuote:
    """One contract's quote as it stands."""

    __slots__ = ("ask", "bid", "fair", "instrument", "last", "rate", "share", "traits")

    def __init__(self, traits: ContractTraits, prices: FairPrices) -> None:
        self.instrument = traits.symbol
        self.traits = traits
        self.fair = prices.families[traits.family]
        self.bid = math.floor(self.fair.price + traits.phase)
        self.ask = self.bid + 1
        self.last = self.bid
        self.rate = 0.0
        """Events per millisecond just now."""
        self.share = traits.bursts / traits.quotes
        """Of all events, those that trade."""


class GeneratedMarket:
    """Six CME futures from a seed (a MarketSource). The same arguments give the same events.

    Without a past, the calendar day does not matter to what happens, only the time of day: every practice
    day of one seed has the same prices minute by minute. `rate` multiplies quotes and prints per second.
    """

    def __init__(
        self,
        seed: int,
        start_ts: int,
        rate: float = 1.0,
        past: Past | None = None,
        only: Container[str] | None = None,
    ) -> None:
        """`only` these contracts are told: each has the prices that it has among all six."""
        if not rate > 0:
            raise ValueError(f"rate must be positive, not {rate}")
        self.instruments: Sequence[Instrument] = tuple(
            CME_FUTURES[traits.symbol] for traits in TRAITS if only is None or traits.symbol in only
        )
        self.start_ts = start_ts
        self._rate = rate
        if past is None:
            opened = start_ts - session(trade_date(start_ts)).open
            self._rng = Random(f"{seed}:{opened}")
            self._prices = FairPrices(self._rng, OPENING)
            self._bars = _draw(self._rng, self._prices, _practice_minutes(start_ts))
        else:
            self._rng = Random(f"{seed}:{start_ts}:on")
            self._prices = FairPrices(self._rng, [past.prices[leader] + 0.5 for leader in LEADERS])
            ended = max(past.bars[leader][-1].close_ts for leader in LEADERS)
            fresh = _draw(self._rng, self._prices, _minutes_between(ended, start_ts))
            self._bars = {symbol: [*past.bars[symbol], *bars] for symbol, bars in fresh.items()}

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first. Raises KeyError for a contract it has not."""
        return self._bars[instrument]

    def events(self) -> Iterator[Quote | Print]:
        """Quotes and prints from `start_ts` on, endless, stamped in whole milliseconds. Call it once."""
        prices, rng, told = self._prices, self._rng, frozenset(one.symbol for one in self.instruments)
        standing = [_ContractQuote(traits, prices) for traits in TRAITS]
        origin = -(-self.start_ts // _MILLI) * _MILLI
        seq = 0
        clock = 0
        """Milliseconds since the origin at which conditions change next."""
        moved = 0.0
        due = _first_events(rng, clock, len(standing))
        while True:
            at, index = due[0]
            if at >= clock:
                opened = (self._opens(origin + clock * _MILLI) - origin) // _MILLI
                if opened > clock:
                    clock, moved = opened, float(opened)
                    prices.gap()
                    standing = [_ContractQuote(traits, prices) for traits in TRAITS]
                    due = _first_events(rng, clock, len(standing))
                self._update_conditions(standing, origin + clock * _MILLI)
                clock += 1000
                continue
            quote = standing[index]
            prices.move((at - moved) / _MS_A_MINUTE)
            moved = at
            heapq.heapreplace(due, (at + rng.expovariate(quote.rate), index))
            ts = origin + int(at) * _MILLI
            fair = quote.fair.price + quote.traits.phase
            if rng.random() < quote.share:
                for side, price, size in self._burst(quote, fair):
                    seq += 1
                    quote.last = price
                    if quote.instrument in told:
                        yield Print(
                            ts_recv=ts,
                            ts_venue=ts,
                            instrument=quote.instrument,
                            price=price,
                            size=size,
                            aggressor=side,
                            seq=seq,
                        )
            if fair < quote.bid - _SLACK or fair > quote.ask + _SLACK:
                quote.bid = math.floor(fair)
                quote.ask = quote.bid + (2 if rng.random() < quote.traits.wide else 1)
            if quote.instrument in told:
                yield Quote(
                    ts_recv=ts,
                    ts_venue=ts,
                    instrument=quote.instrument,
                    bid=quote.bid,
                    ask=quote.ask,
                    last=quote.last,
                )

    def _opens(self, ts: int) -> int:
        """The instant itself while the market is open, else the next opening."""
        while not market_open(ts):
            ts += MINUTE - ts % MINUTE
        return ts

    def _update_conditions(self, standing: Sequence[_ContractQuote], ts: int) -> None:
        """Let conditions change, once a second, and with them how often each contract speaks."""
        minute = (ts - session(trade_date(ts)).open) // MINUTE
        self._prices.step(1 / 60, minute)
        for quote in standing:
            busy = self._prices.conditions_of(quote.traits.family).activity(minute)
            quote.rate = quote.traits.quotes * busy * self._rate / 1000.0

    def _burst(self, quote: _ContractQuote, fair: float) -> list[tuple[Side, int, int]]:
        """The prints of one aggressive order: it walks to the fair price if that is beyond the quote."""
        rng = self._rng
        if fair >= quote.ask:
            side, price, levels = Side.BUY, quote.ask, math.floor(fair) - quote.ask
        elif fair <= quote.bid:
            side, price, levels = Side.SELL, quote.bid, quote.bid - math.floor(fair)
        else:
            lean = (fair - quote.bid) / (quote.ask - quote.bid)
            side = Side.BUY if rng.random() < 0.2 + 0.6 * lean else Side.SELL
            price, levels = quote.ask if side is Side.BUY else quote.bid, 0
        prints: list[tuple[Side, int, int]] = []
        while len(prints) < _MOST_PRINTS:
            prints.append((side, price, min(_MOST_CONTRACTS, int(rng.random() ** -0.6))))
            if levels > 0:
                price += side.sign
                levels -= 1
            elif rng.random() > _MORE_PRINTS:
                break
        return prints


def _first_events(rng: Random, clock: int, count: int) -> list[tuple[float, int]]:
    """When each contract speaks first after an opening: a heap of (milliseconds, index)."""
    due = [(clock + rng.random() * 50, index) for index in range(count)]
    heapq.heapify(due)
    return due


def _practice_minutes(start_ts: int, days: int = HISTORY_DAYS) -> list[int]:
    """Open times of the minutes of some practice days and of the day of play, up to its start."""
    today = trade_date(start_ts)
    minutes: list[int] = []
    for day in (*practice_days_before(today, days), today):
        opened = session(day).open
        minutes += range(opened, opened + SESSION_MINUTES * MINUTE, MINUTE)
    return [ts for ts in minutes if ts + MINUTE <= start_ts]


def _minutes_between(ended_ts: int, start_ts: int) -> list[int]:
    """Open times of the minutes in which the market was open between the last bar's end and a start."""
    return [ts for ts in range(ended_ts, start_ts - MINUTE + 1, MINUTE) if market_open(ts)]


def _draw(rng: Random, prices: FairPrices, minutes: Iterable[int]) -> dict[str, list[Bar]]:
    """Minute bars of every contract, moving fair prices along to the last minute's close."""
    bars: dict[str, list[Bar]] = {traits.symbol: [] for traits in TRAITS}
    families = [
        (fair, prices.conditions_of(family), [(one, bars[one.symbol]) for one in prices.members(family)])
        for family, fair in enumerate(prices.families)
    ]
    before: int | None = None
    opened = 0
    for ts in minutes:
        if before is None or ts - before > 30 * MINUTE:
            opened = session(trade_date(ts)).open
            if before is not None:
                prices.gap()
        before = ts
        minute = (ts - opened) // MINUTE
        opens = prices.prices()
        prices.step(1.0, minute)
        prices.move(1.0)
        for was, (fair, conditions, members) in zip(opens, families, strict=True):
            high = fair.reach(conditions, was, 1.0 - rng.random(), 1)
            low = fair.reach(conditions, was, 1.0 - rng.random(), -1)
            busy = conditions.activity(minute) * math.exp(0.3 * rng.gauss(0, 1)) * conditions.volatility**0.3
            for traits, own in members:
                own.append(_bar(traits, ts, was, high, low, fair.price, busy))
    return bars


def _bar(
    traits: ContractTraits, ts: int, opened: float, high: float, low: float, closed: float, busy: float
) -> Bar:
    symbol, _, phase, _, bursts, _ = traits
    first, last = floor(opened + phase), floor(closed + phase)
    top, bottom = floor(high + phase), floor(low + phase)
    if top < first or top < last:
        top = max(first, last)
    if bottom > first or bottom > last:
        bottom = min(first, last)
    volume = round(bursts * 60 * PRINTS_A_BURST * SIZE_A_PRINT * busy) or 1
    return Bar(symbol, Timeframe.M1, ts, first, top, bottom, last, volume)
