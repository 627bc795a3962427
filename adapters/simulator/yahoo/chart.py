"""What the chart endpoint says of a market: JSON as Yahoo writes it, its noise and its holes too."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from adapters.simulator.market.candles import MINUTES, Candles
from engine.model.events import Print, Quote
from engine.model.instrument import Instrument
from engine.model.market import MINUTE, NANOS, Bar
from engine.ports import MarketSource

INTERVALS = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "1h": 60, "90m": 90, "1d": 1440}
"""Minutes of a bar."""
_REACH_DAYS = {"1m": 8, "2m": 60, "5m": 60, "15m": 60, "30m": 60, "90m": 60, "60m": 730, "1h": 730}
_DAY = 24 * 60 * MINUTE
_MOST = 60_000


class ChartQuestion(Struct, frozen=True):
    """Bars of so many minutes that open in [start, end), nanoseconds UTC."""

    symbol: str
    interval: str
    start: int
    end: int


class ToldMarket:
    """A market as Yahoo tells it: trades as they were some time ago, in minutes, under Yahoo's names."""

    def __init__(
        self, source: MarketSource, names: Mapping[str, str], zone: str = "America/New_York"
    ) -> None:
        """`names` are Yahoo's by ours; `zone` is what the exchange's clock shows."""
        self._events: Iterator[Quote | Print] = iter(source.events())
        self._next = next(self._events, None)
        self.zone = zone
        known = {one.symbol: one for one in source.instruments}
        self._instruments: dict[str, Instrument] = {name: known[symbol] for symbol, name in names.items()}
        self.candles = {symbol: Candles(symbol, source.history(symbol)) for symbol in names}
        self._newest = {
            symbol: candles.closed[-1].close_ts - NANOS if candles.closed else 0
            for symbol, candles in self.candles.items()
        }
        self.splits: dict[str, list[tuple[int, int, int]]] = {}
        """By Yahoo's name: when (nanoseconds UTC), numerator, denominator."""

    def advance(self, ts: int) -> None:
        """Tell everything that has happened by an instant, nanoseconds UTC."""
        while self._next is not None and self._next.ts_venue <= ts:
            self.add(self._next)
            self._next = next(self._events, None)
        for candles in self.candles.values():
            candles.close_until(ts)

    def add(self, event: Quote | Print) -> None:
        """One more event of the market. Yahoo tells no quotes here."""
        if isinstance(event, Print) and event.instrument in self.candles:
            self.candles[event.instrument].on_print(event.ts_venue, event.price, event.size)
            self._newest[event.instrument] = event.ts_venue

    def answer(self, asked: ChartQuestion, now: int) -> tuple[int, dict[str, Any]]:
        """HTTP status and body; `now` is how far the market is told."""
        instrument = self._instruments.get(asked.symbol)
        minutes = INTERVALS.get(asked.interval)
        if instrument is None or minutes is None:
            return unknown(asked, listed=instrument is not None)
        reach = _REACH_DAYS.get(asked.interval)
        if reach is not None and asked.start < now - (reach + 1) * _DAY:
            return 422, refusal(
                "Unprocessable Entity",
                f"{asked.interval} data not available for startTime={asked.start // NANOS} and "
                f"endTime={asked.end // NANOS}. Only {reach} days worth of {asked.interval} granularity "
                "data are allowed to be fetched per request.",
            )
        candles = self.candles[instrument.symbol]
        bars = candles.window(MINUTES, minutes, asked.start, asked.end, _MOST, now, partial=True)[::-1]
        newest = self._newest[instrument.symbol]
        splits = self.splits.get(asked.symbol, ())
        going_on = candles.forming is not None
        return 200, answer_about(
            asked, instrument, bars, newest, going_on=going_on, zone=self.zone, splits=splits
        )


def unknown(asked: ChartQuestion, *, listed: bool) -> tuple[int, dict[str, Any]]:
    """HTTP status and body where there is no such symbol, or no such interval."""
    if not listed:
        return 404, refusal("Not Found", "No data found, symbol may be delisted")
    return 422, refusal("Unprocessable Entity", f"Invalid input - interval={asked.interval}")


def answer_about(
    asked: ChartQuestion,
    instrument: Instrument,
    bars: Sequence[Bar],
    newest: int,
    *,
    going_on: bool,
    zone: str = "America/New_York",
    splits: Sequence[tuple[int, int, int]] = (),
) -> dict[str, Any]:
    """The body: `newest` is when the last trade was, nanoseconds UTC; with `going_on` the last bar is not
    over.
    """
    rows = _rows(bars, instrument, newest if going_on else None)
    offset = int(_offset(zone, newest))
    times = rows.pop("timestamp")
    result: dict[str, Any] = {
        "meta": {
            "currency": instrument.currency,
            "symbol": asked.symbol,
            "exchangeName": "SIM",
            "fullExchangeName": "Simulated",
            "instrumentType": instrument.kind.upper(),
            "regularMarketTime": newest // NANOS,
            "hasPrePostMarketData": False,
            "gmtoffset": offset,
            "timezone": "EST" if offset == -18000 else "EDT",
            "exchangeTimezoneName": zone,
            "priceHint": 2,
            "dataGranularity": asked.interval,
            "range": "",
            "validRanges": ["1d", "5d", "1mo"],
        },
        "indicators": {"quote": [rows if times else {}]},
    }
    if times:
        result["timestamp"] = times
    told = [split for split in splits if asked.start <= split[0] < asked.end]
    if told:
        result["events"] = {
            "splits": {
                str(ts // NANOS): {
                    "date": ts // NANOS,
                    "numerator": up,
                    "denominator": down,
                    "splitRatio": f"{up}:{down}",
                }
                for ts, up, down in told
            }
        }
    return {"chart": {"result": [result], "error": None}}


def refusal(code: str, description: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _rows(bars: Sequence[Bar], instrument: Instrument, live_ts: int | None) -> dict[str, list[Any]]:
    """The columns. What is going on is stamped with the time of its newest trade, as Yahoo does it."""
    times = [bar.open_ts // NANOS for bar in bars]
    if times and live_ts is not None:
        times[-1] = max(times[-1], live_ts // NANOS)
    return {
        "timestamp": times,
        "open": [noisy(instrument.price(bar.open)) for bar in bars],
        "high": [noisy(instrument.price(bar.high)) for bar in bars],
        "low": [noisy(instrument.price(bar.low)) for bar in bars],
        "close": [noisy(instrument.price(bar.close)) for bar in bars],
        "volume": [int(instrument.qty(bar.volume)) for bar in bars],
    }


def noisy(price: Decimal) -> float:
    """The price as a 32-bit float: 190.67 is 190.6699981689453."""
    return float(struct.unpack("f", struct.pack("f", float(price)))[0])


def _offset(zone: str, ts: int) -> float:
    told = datetime.fromtimestamp(ts / NANOS, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return 0.0 if told is None else told.total_seconds()
