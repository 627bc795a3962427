"""Records of Binance's market streams: decoded typed, and all the way to events of the engine.

The frames are a recorded capture where one is there, again and again; else what the practice twin writes.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.binance.config import BinanceConfig, BinanceTiming
from adapters.binance.mapping import LotGrid
from adapters.binance.market_stream import MarketStreams
from adapters.binance.records import AggTradeRow, BookTickerRow, market_row
from adapters.binance.venue import BinanceVenue
from adapters.common.anomalies import Anomalies
from adapters.common.secret import Secret
from bench.figures import table
from bench.terminal import ROOT
from engine.model.events import AnyEvent
from engine.model.instrument import Instrument, InstrumentKind

CAPTURE = ROOT.parent / "shared" / "data" / "binance" / "BINANCE.ws.1.0.gz"
RECORDS = 100_000
TURNS = 5


def coin(name: str, tick: str, lot: str) -> Instrument:
    """A symbol of the capture, or of the twin."""
    return Instrument(
        symbol=name,
        root=name,
        description=name,
        tick_size=Decimal(tick),
        tick_value_usd=Decimal(tick) * Decimal(lot),
        fee_usd=Decimal(0),
        commission_usd=Decimal(0),
        kind=InstrumentKind.SPOT,
        lot_size=Decimal(lot),
        base=name[:3],
        currency="USDT",
        calendar="always",
    )


COINS = {
    one.root: one
    for one in (
        coin("NKNUSDT", "0.0001", "1"),
        coin("BLZETH", "0.00000001", "1"),
        coin("LRCBTC", "0.00000001", "1"),
        coin("RUNEEUR", "0.001", "0.1"),
        coin("BTCUSDT", "0.01", "0.00001"),
    )
}


def captured(file: Path) -> list[bytes]:
    lines = gzip.decompress(file.read_bytes()).splitlines()[1:]
    return [line.partition(b": ")[2] for line in lines if line]


def written() -> list[bytes]:
    """Trades and quotes in the form of Binance's own, two quotes to a trade."""
    frames = []
    for number in range(1_000):
        price = f"{60_000 + number % 97 / 100:.8f}"
        quote = {"u": number, "s": "BTCUSDT", "b": price, "B": "1.25000000", "a": price, "A": "0.50000000"}
        trade = {
            "e": "aggTrade", "E": 1_790_000_000_000 + number, "s": "BTCUSDT", "a": number, "p": price,
            "q": f"{0.001 * (1 + number % 13):.8f}", "f": number, "l": number,
            "T": 1_790_000_000_000 + number, "m": bool(number % 2), "M": True,
        }  # fmt: skip
        for name, row in (("bookTicker", quote), ("bookTicker", quote), ("aggTrade", trade)):
            body = msgspec.json.encode(row).decode()
            frames.append(f'{{"stream":"btcusdt@{name}","data":{body}}}'.encode())
    return frames


def best(frames: list[bytes], read: Callable[[bytes], object]) -> float:
    """Records a second, the best of some turns: what a busy machine adds is not the decoder's."""
    found = []
    for _ in range(TURNS):
        began = time.perf_counter()
        for frame in frames:
            read(frame)
        found.append(time.perf_counter() - began)
    return len(frames) / min(found)


def run() -> None:
    recorded = CAPTURE.exists()
    once = captured(CAPTURE) if recorded else written()
    frames = (once * (RECORDS // len(once) + 1))[:RECORDS]
    market = [frame for frame in once if isinstance(market_row(frame), AggTradeRow | BookTickerRow)]
    # Each time around they are another connection's: a repetition would be dropped unread.
    rate = asyncio.run(around(market))
    table(
        f"Binance records a second, {'captured' if recorded else 'made up'}, {len(frames):,} of them",
        ("", "records/s"),
        (
            ("typed decode (books, bars, trades, quotes)", f"{best(frames, market_row):,.0f}"),
            ("json.loads", f"{best(frames, json.loads):,.0f}"),
            ("trades and quotes, to events of the engine", f"{rate:,.0f}"),
        ),
    )


async def around(market: list[bytes]) -> float:
    """The best of turns over all trades and quotes of a capture, each turn on a connection of its own."""
    config = BinanceConfig(api_key=Secret(""), api_secret=Secret(""), instruments=COINS)
    venue = BinanceVenue(config, time.time_ns)
    grids = {root: LotGrid(one) for root, one in COINS.items()}
    rates = []
    for _ in range(TURNS):
        told: list[AnyEvent] = []
        seconds = 0.0
        for _ in range(max(1, 20_000 // len(market))):
            streams = MarketStreams(
                grids, told.append, time.time_ns, venue.rest, BinanceTiming(), Anomalies(), "binance"
            )
            began = time.perf_counter()
            for frame in market:
                streams.take(frame, _no_other)
            seconds += time.perf_counter() - began
        rates.append(len(told) / seconds)
    return max(rates)


def _no_other(_row: object, _frame: bytes) -> None:
    raise AssertionError("a record of no market")
