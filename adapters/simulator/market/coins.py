"""A seeded market of coins that never closes: what the practice twins of crypto venues play.

It behaves as the generated futures do (price_model.py): a day's curve, volatility in clusters, trends and
ranges. All coins take most of their moves from one shock.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple

from adapters.simulator.market.generated import Past
from adapters.simulator.market.price_model import FairPrice, MarketConditions
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, Bar, Side, Timeframe

HISTORY_MINUTES = 5 * 24 * 60
"""Minutes of history before the play."""
DAY_MINUTES = 24 * 60
_MILLI = 1_000_000
_MS_A_MINUTE = 60_000
_COMMON = math.sqrt(0.7)
_OWN = math.sqrt(0.3)
_MOST_PRINTS = 8

_CURVE = (
    (0, 0.9),
    (3, 0.7),
    (6, 0.6),
    (8, 0.8),
    (12, 0.9),
    (13, 1.2),
    (14.5, 1.5),
    (17, 1.1),
    (21, 0.8),
    (24, 0.9),
)
"""Activity by hour UTC; 1 is an ordinary hour."""


class CoinTraits(NamedTuple):
    """One coin. Rates are those of an ordinary hour, per second."""

    opening: float
    """Where it starts, dollars."""
    deviation: float
    """Ordinary move in a minute, share of the price."""
    quotes: float
    bursts: float
    """Trade messages per second."""
    worth: float
    """Dollars of a usual print."""


TRAITS: Mapping[str, CoinTraits] = {
    "BTC": CoinTraits(96_000.0, 0.00055, 6.0, 3.0, 2_500.0),
    "ETH": CoinTraits(3_600.0, 0.00075, 5.0, 2.5, 1_500.0),
    "SOL": CoinTraits(210.0, 0.0011, 4.0, 2.0, 700.0),
}
"""By what an instrument is of."""
_OTHER = CoinTraits(100.0, 0.0009, 3.0, 1.5, 700.0)
_SPREAD = 0.00002
"""Share of the price; at least one tick."""


def _activity() -> tuple[float, ...]:
    out: list[float] = []
    for (start, low), (end, high) in pairwise(_CURVE):
        first, last = round(start * 60), round(end * 60)
        out += (low + (high - low) * i / (last - first) for i in range(last - first))
    return tuple(out)


ACTIVITY = _activity()


class _Coin:
    """One instrument as it stands. Its fair price is in ticks."""

    __slots__ = (
        "ask",
        "bid",
        "fair",
        "instrument",
        "last",
        "rate",
        "share",
        "spread",
        "tick",
        "traits",
        "unit",
    )

    def __init__(self, instrument: Instrument, traits: CoinTraits, price: float | None) -> None:
        self.instrument = instrument.symbol
        self.traits = traits
        self.tick = float(instrument.tick_size)
        start = traits.opening / self.tick if price is None else price
        self.fair = FairPrice(start, start * traits.deviation)
        self.spread = max(1, round(start * _SPREAD))
        self.bid = math.floor(start)
        self.ask = self.bid + self.spread
        self.last = self.bid
        self.unit = max(1.0, traits.worth / (start * self.tick) / float(instrument.lot_size))
        """Lots of a usual print."""
        self.share = traits.bursts / traits.quotes
        """Of all events, those that trade."""
        self.rate = 0.0
        """Events per millisecond just now."""


class CoinMarket:
    """Instruments of coins from a seed (a MarketSource). The same arguments give the same events.

    Without a past the calendar day does not matter, only the time of day. `rate` multiplies quotes and prints
    per second.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        seed: int,
        start_ts: int,
        rate: float = 1.0,
        past: Past | None = None,
    ) -> None:
        if not rate > 0:
            raise ValueError(f"rate must be positive, not {rate}")
        self.instruments: Sequence[Instrument] = tuple(instruments)
        self.start_ts = start_ts
        self._event_rate = rate
        born = f"{seed}:{start_ts % (DAY_MINUTES * MINUTE)}" if past is None else f"{seed}:{start_ts}:on"
        self._rng = Random(born)
        self._conditions = MarketConditions(self._rng, ACTIVITY)
        prices: Mapping[str, int] = {} if past is None else past.prices
        self._coins = [
            _Coin(
                one, TRAITS.get(one.base, _OTHER), None if (p := prices.get(one.symbol)) is None else p + 0.5
            )
            for one in self.instruments
        ]
        kept: dict[str, list[Bar]] = {one.symbol: [] for one in self.instruments}
        begins = start_ts // MINUTE * MINUTE - HISTORY_MINUTES * MINUTE
        if past is not None:
            kept.update({symbol: list(bars) for symbol, bars in past.bars.items() if symbol in kept})
            ended = [bars[-1].close_ts for bars in kept.values() if bars]
            begins = max([begins, *ended])
        self._bars = kept
        self._draw(range(begins, start_ts - MINUTE + 1, MINUTE))

    def history(self, instrument: str) -> Sequence[Bar]:
        """Closed 1m bars before `start_ts`, oldest first. Raises KeyError for an instrument it has not."""
        return self._bars[instrument]

    def events(self) -> Iterator[Quote | Print]:
        """Quotes and prints from `start_ts` on, endless, stamped in whole milliseconds. Call it once."""
        rng, coins = self._rng, self._coins
        origin = -(-self.start_ts // _MILLI) * _MILLI
        seq = clock = 0
        moved = 0.0
        due = [(rng.random() * 50, index) for index in range(len(coins))]
        heapq.heapify(due)
        while due:
            at, index = due[0]
            while at >= clock:
                self._second(origin + clock * _MILLI)
                clock += 1000
            coin = coins[index]
            self._move((at - moved) / _MS_A_MINUTE)
            moved = at
            heapq.heapreplace(due, (at + rng.expovariate(coin.rate), index))
            ts = origin + int(at) * _MILLI
            if rng.random() < coin.share:
                for side, price, size in self._burst(coin):
                    seq += 1
                    yield Print(
                        ts_recv=ts,
                        ts_venue=ts,
                        instrument=coin.instrument,
                        price=price,
                        size=size,
                        aggressor=side,
                        seq=seq,
                    )
                    coin.last = price
            fair = coin.fair.price
            if not coin.bid <= fair <= coin.ask:
                coin.bid = max(1, math.floor(fair - coin.spread / 2 + 0.5))
                coin.ask = coin.bid + coin.spread
            yield Quote(
                ts_recv=ts,
                ts_venue=ts,
                instrument=coin.instrument,
                bid=coin.bid,
                ask=coin.ask,
                last=coin.last,
            )

    def _second(self, ts: int) -> None:
        """Let conditions change, and with them how often each coin speaks."""
        minute = ts // MINUTE % DAY_MINUTES
        self._step(1 / 60, minute)
        busy = self._conditions.activity(minute)
        for coin in self._coins:
            coin.rate = coin.traits.quotes * busy * self._event_rate / 1000.0

    def _step(self, minutes: float, minute: int) -> None:
        self._conditions.step(minutes, minute)
        if self._conditions.regime_began:
            for coin in self._coins:
                coin.fair.centre()

    def _move(self, minutes: float) -> None:
        gauss, common = self._rng.gauss, self._rng.gauss(0.0, 1.0)
        for coin in self._coins:
            coin.fair.move(self._conditions, minutes, _COMMON * common + _OWN * gauss(0.0, 1.0))
            coin.fair.price = max(10.0, coin.fair.price)

    def _burst(self, coin: _Coin) -> list[tuple[Side, int, int]]:
        """The prints of one aggressive order: it walks towards the fair price if that is beyond the quote."""
        rng, fair = self._rng, coin.fair.price
        if fair >= coin.ask:
            side, price, end = Side.BUY, coin.ask, math.floor(fair)
        elif fair <= coin.bid:
            side, price, end = Side.SELL, coin.bid, math.floor(fair)
        else:
            lean = (fair - coin.bid) / (coin.ask - coin.bid)
            side = Side.BUY if rng.random() < 0.2 + 0.6 * lean else Side.SELL
            price = end = coin.ask if side is Side.BUY else coin.bid
        prints: list[tuple[Side, int, int]] = []
        step = max(1, abs(end - price) // 4)
        while len(prints) < _MOST_PRINTS:
            size = max(1, round(coin.unit * min(30.0, 0.4 * rng.random() ** -0.7)))
            prints.append((side, price, size))
            if (end - price) * side.sign >= step:
                price += step * side.sign
            elif rng.random() > 0.4:
                break
        return prints

    def _draw(self, minutes: Sequence[int]) -> None:
        """Minute bars of every coin, moving fair prices along to the last minute's close."""
        rng, conditions = self._rng, self._conditions
        for ts in minutes:
            minute = ts // MINUTE % DAY_MINUTES
            opens = [coin.fair.price for coin in self._coins]
            self._step(1.0, minute)
            self._move(1.0)
            busy = conditions.activity(minute) * math.exp(0.3 * rng.gauss(0, 1)) * conditions.volatility**0.3
            for coin, opened in zip(self._coins, opens, strict=True):
                fair = coin.fair
                high = fair.reach(conditions, opened, 1.0 - rng.random(), 1)
                low = fair.reach(conditions, opened, 1.0 - rng.random(), -1)
                first, last = math.floor(opened), math.floor(fair.price)
                top = max(first, last, math.floor(high))
                bottom = max(1, min(first, last, math.floor(low)))
                volume = max(1, round(coin.traits.bursts * 60 * 2 * coin.unit * busy))
                self._bars[coin.instrument].append(
                    Bar(coin.instrument, Timeframe.M1, ts, first, top, bottom, last, volume)
                )
        for coin in self._coins:
            coin.bid = max(1, math.floor(coin.fair.price - coin.spread / 2 + 0.5))
            coin.ask, coin.last = coin.bid + coin.spread, math.floor(coin.fair.price)
