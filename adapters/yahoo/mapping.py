"""From a chart to bars, without anything of the world: which are over, and which make no sense."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

from adapters.yahoo.wire import ChartError, Result, periods
from engine.model.instrument import Instrument, InstrumentKind
from engine.model.market import NANOS, Bar, Timeframe

INTERVALS = {
    Timeframe.M1: "1m",
    Timeframe.M2: "2m",
    Timeframe.M5: "5m",
    Timeframe.M15: "15m",
    Timeframe.M30: "15m",
    Timeframe.H1: "60m",
    Timeframe.D1: "1d",
}
"""What is asked for bars of a length. Of 30m Yahoo gives hours at times: they are made of 15m."""
PARTS = {Timeframe.M30: Timeframe.M15}
"""Of what such bars are made."""

_HUNDREDTHS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Currencies of which a price is in hundredths."""
_NOISE = Decimal("2e-7")
"""Prices come as 32-bit floats: so far from a tick, as a share, is nothing."""
_MOST_PRICE = Decimal(10) ** 12
_MOST_VOLUME = Decimal(10) ** 15

QUIET = "rows without a price"
ODD = "rows that make no sense"
OFF_GRID = "prices between two ticks"
LIVE = "rows of what is still going on"
OUTSIDE = "rows outside the session"


class Rows(Struct, frozen=True):
    """What a chart says of one instrument. `bars` are over, oldest first; times are nanoseconds UTC."""

    bars: tuple[Bar, ...]
    newest_ts: int
    """When the newest trade was that is told; 0 where nothing is."""
    over_ts: int
    """What ends by then is over."""
    split: str
    """Date of the newest split that is told, seconds UTC as a text: prices before it are on another scale."""
    counts: Counter[str]
    """What was left out, and why."""


def scale_of(result: Result, instrument: Instrument) -> Decimal:
    """What a price is multiplied by. Raises ChartError where it is in another currency."""
    told = result.meta.currency or instrument.currency
    currency = _HUNDREDTHS.get(told, told)
    if currency != instrument.currency:
        raise ChartError(f"is quoted in {told}, and {instrument.symbol} in {instrument.currency}")
    return Decimal(1) if currency == told else Decimal("0.01")


def rows(
    result: Result,
    instrument: Instrument,
    timeframe: Timeframe,
    now: int,
    allowance_ns: int,
    *,
    extended: bool = False,
) -> Rows:
    """The bars of a chart that are certainly over. Raises ChartError.

    Yahoo's newest row is what is going on, and of a market that it tells ten minutes late it looks as if it
    were over. So a bar is over once something later is told: another row, or a trade after its end. Where
    nothing comes any more, as after the close, it is over `allowance_ns` after its end.
    """
    scale = scale_of(result, instrument)
    times = result.timestamp or []
    quotes = result.indicators.quote[0] if result.indicators.quote else None
    counts: Counter[str] = Counter()
    if not times or quotes is None or not quotes.close:
        return Rows((), result.meta.regular_market_time * NANOS, now - allowance_ns, _split(result), counts)
    columns = (quotes.open, quotes.high, quotes.low, quotes.close)
    if any(len(column) != len(times) for column in columns) or len(quotes.volume) not in (0, len(times)):
        raise ChartError(f"{len(times)} times with another number of prices")
    told = result.meta.regular_market_time * NANOS
    told = max([told if told <= now else 0, *(ts * NANOS for ts in times if ts and ts * NANOS <= now)])
    over = max(told, now - allowance_ns)
    sessions = [] if extended or instrument.kind is not InstrumentKind.EQUITY else periods(result.meta)
    step = timeframe.nanos
    found: dict[int, Bar] = {}
    for n, seconds in enumerate(times):
        if seconds is None:
            counts[ODD] += 1
            continue
        ts = seconds * NANOS
        end = ts + step
        prices = [column[n] for column in columns]
        if (ts % step and timeframe is not Timeframe.D1) or end > over:
            counts[LIVE] += 1
        elif any(price is None for price in prices):
            counts[QUIET] += 1
        elif sessions and not any(one.start <= seconds < one.end for one in sessions):
            counts[OUTSIDE] += 1
        elif ts in found:
            counts[ODD] += 1
        else:
            bar = _bar(instrument, timeframe, ts, prices, quotes.volume[n] if quotes.volume else None, scale)
            if bar is None:
                counts[ODD] += 1
            else:
                counts[OFF_GRID] += _off_grid(prices, instrument, scale)
                found[ts] = bar
    return Rows(tuple(found[ts] for ts in sorted(found)), told, over, _split(result), counts)


def folded(bars: Sequence[Bar], timeframe: Timeframe, over_ts: int) -> list[Bar]:
    """Longer bars of UTC's grid, without the one that is not over by then."""
    groups: dict[int, list[Bar]] = {}
    for bar in bars:
        groups.setdefault(bar.open_ts - bar.open_ts % timeframe.nanos, []).append(bar)
    return [
        Bar(
            parts[0].instrument,
            timeframe,
            ts,
            parts[0].open,
            max(part.high for part in parts),
            min(part.low for part in parts),
            parts[-1].close,
            sum(part.volume for part in parts),
            n_src=sum(part.timeframe.minutes for part in parts),
        )
        for ts, parts in sorted(groups.items())
        if ts + timeframe.nanos <= over_ts
    ]


def _bar(
    instrument: Instrument,
    timeframe: Timeframe,
    ts: int,
    prices: Sequence[Decimal | None],
    volume: Decimal | None,
    scale: Decimal,
) -> Bar | None:
    """None where it makes no sense."""
    known = [price * scale for price in prices if price is not None]
    traded = Decimal(0) if volume is None else volume
    if not all(0 < price < _MOST_PRICE for price in known) or not 0 <= traded < _MOST_VOLUME:
        return None
    open_, high, low, close = (ticks_of(price, instrument) for price in known)
    if not (low <= open_ <= high and low <= close <= high) or low <= 0:
        return None
    lots = int(traded / instrument.lot_size)
    return Bar(instrument.symbol, timeframe, ts, open_, high, low, close, lots)


def ticks_of(price: Decimal, instrument: Instrument) -> int:
    """The nearest tick: what lies between two of them is noise, or a trade off the exchange."""
    return int((price / instrument.tick_size).to_integral_value(ROUND_HALF_EVEN))


def _off_grid(prices: Sequence[Decimal | None], instrument: Instrument, scale: Decimal) -> int:
    """How many of the prices are none of the instrument's."""
    exact = [price * scale for price in prices if price is not None]
    return sum(abs(p - instrument.price(ticks_of(p, instrument))) > p * _NOISE for p in exact)


def _split(result: Result) -> str:
    splits = result.events.splits.values() if result.events is not None else ()
    newest = max((one.date for one in splits if one.numerator != one.denominator), default=0)
    return str(newest) if newest else ""
