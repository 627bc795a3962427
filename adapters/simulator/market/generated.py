"""A seeded market that behaves believably: what the practice venue plays when there is no tape."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from msgspec import Struct

from adapters.simulator.exchange.hours import market_open, session, trade_date
from adapters.simulator.market.fair_prices import Forces
from adapters.simulator.market.past import draw, minutes_between, practice_minutes
from adapters.simulator.market.traits import LEADERS, OPENING, TRAITS, Traits
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES, Instrument
from engine.model.market import MINUTE, Bar, Side

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


class _Stall:
    """One contract's quote as it stands."""

    __slots__ = ("ask", "bid", "fair", "instrument", "last", "rate", "share", "traits")

    def __init__(self, traits: Traits, forces: Forces) -> None:
        self.instrument = traits.symbol
        self.traits = traits
        self.fair = forces.fairs[traits.family]
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

    def __init__(self, seed: int, start_ts: int, rate: float = 1.0, past: Past | None = None) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be positive, not {rate}")
        self.instruments: Sequence[Instrument] = tuple(CME_FUTURES[traits.symbol] for traits in TRAITS)
        self.start_ts = start_ts
        self._rate = rate
        if past is None:
            opened = start_ts - session(trade_date(start_ts)).open
            self._rng = Random(f"{seed}:{opened}")
            self._forces = Forces(self._rng, OPENING)
            self._bars = draw(self._rng, self._forces, practice_minutes(start_ts))
        else:
            self._rng = Random(f"{seed}:{start_ts}:on")
            self._forces = Forces(self._rng, [past.prices[leader] + 0.5 for leader in LEADERS])
            ended = max(past.bars[leader][-1].close_ts for leader in LEADERS)
            fresh = draw(self._rng, self._forces, minutes_between(ended, start_ts))
            self._bars = {symbol: [*past.bars[symbol], *bars] for symbol, bars in fresh.items()}

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first. Raises KeyError for a contract it has not."""
        return self._bars[instrument]

    def events(self) -> Iterator[Quote | Print]:
        """Quotes and prints from `start_ts` on, endless, stamped in whole milliseconds. Call it once."""
        forces, rng = self._forces, self._rng
        stalls = [_Stall(traits, forces) for traits in TRAITS]
        origin = -(-self.start_ts // _MILLI) * _MILLI
        seq = 0
        clock = 0
        """Milliseconds since the origin at which the weather changes next."""
        moved = 0.0
        due = _wake(rng, clock, len(stalls))
        while True:
            at, index = due[0]
            if at >= clock:
                opened = (self._opens(origin + clock * _MILLI) - origin) // _MILLI
                if opened > clock:
                    clock, moved = opened, float(opened)
                    forces.gap()
                    stalls = [_Stall(traits, forces) for traits in TRAITS]
                    due = _wake(rng, clock, len(stalls))
                self._blow(stalls, origin + clock * _MILLI)
                clock += 1000
                continue
            stall = stalls[index]
            forces.move((at - moved) / _MS_A_MINUTE)
            moved = at
            heapq.heapreplace(due, (at + rng.expovariate(stall.rate), index))
            ts = origin + int(at) * _MILLI
            fair = stall.fair.price + stall.traits.phase
            if rng.random() < stall.share:
                for side, price, size in self._burst(stall, fair):
                    seq += 1
                    yield Print(
                        ts_recv=ts,
                        ts_venue=ts,
                        instrument=stall.instrument,
                        price=price,
                        size=size,
                        aggressor=side,
                        seq=seq,
                    )
                    stall.last = price
            if fair < stall.bid - _SLACK or fair > stall.ask + _SLACK:
                stall.bid = math.floor(fair)
                stall.ask = stall.bid + (2 if rng.random() < stall.traits.wide else 1)
            yield Quote(
                ts_recv=ts,
                ts_venue=ts,
                instrument=stall.instrument,
                bid=stall.bid,
                ask=stall.ask,
                last=stall.last,
            )

    def _opens(self, ts: int) -> int:
        """The instant itself while the market is open, else the next opening."""
        while not market_open(ts):
            ts += MINUTE - ts % MINUTE
        return ts

    def _blow(self, stalls: Sequence[_Stall], ts: int) -> None:
        """Change the weather, once a second, and with it how often each contract speaks."""
        minute = (ts - session(trade_date(ts)).open) // MINUTE
        self._forces.step(1 / 60, minute)
        for stall in stalls:
            busy = self._forces.weather_of(stall.traits.family).activity(minute)
            stall.rate = stall.traits.quotes * busy * self._rate / 1000.0

    def _burst(self, stall: _Stall, fair: float) -> list[tuple[Side, int, int]]:
        """The prints of one aggressive order: it walks to the fair price if that is beyond the quote."""
        rng = self._rng
        if fair >= stall.ask:
            side, price, levels = Side.BUY, stall.ask, math.floor(fair) - stall.ask
        elif fair <= stall.bid:
            side, price, levels = Side.SELL, stall.bid, stall.bid - math.floor(fair)
        else:
            lean = (fair - stall.bid) / (stall.ask - stall.bid)
            side = Side.BUY if rng.random() < 0.2 + 0.6 * lean else Side.SELL
            price, levels = stall.ask if side is Side.BUY else stall.bid, 0
        prints: list[tuple[Side, int, int]] = []
        while len(prints) < _MOST_PRINTS:
            prints.append((side, price, min(_MOST_CONTRACTS, int(rng.random() ** -0.6))))
            if levels > 0:
                price += side.sign
                levels -= 1
            elif rng.random() > _MORE_PRINTS:
                break
        return prints


def _wake(rng: Random, clock: int, count: int) -> list[tuple[float, int]]:
    """When each contract speaks first after an opening: a heap of (milliseconds, index)."""
    due = [(clock + rng.random() * 50, index) for index in range(count)]
    heapq.heapify(due)
    return due
