"""Records of Binance's market streams: decoded typed, and all the way to events of the engine; beside
cryptofeed, where `TSTREAM_PEERS` names a Python that has it (pip install cryptofeed).

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
from bench import kraken
from bench.figures import ratio, table
from bench.terminal import ROOT
from engine.model.events import AnyEvent
from engine.model.instrument import Instrument, InstrumentKind

FOLDER = ROOT.parent / "shared" / "data" / "binance"
CAPTURE = FOLDER / "BINANCE.ws.1.0.gz"
RECORDS = 100_000
WANTED = 40_000
"""Records a second on one core."""
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


def of_peer(once: list[bytes]) -> float | str:
    """Messages a second of cryptofeed's handler on the same capture, or why it is left out."""
    listed = gzip.decompress((FOLDER / "BINANCE.0.gz").read_bytes()).splitlines()
    products = next(line for line in listed if b"exchangeInfo" in line).partition(b": ")[2]
    books = []
    for line in gzip.decompress((FOLDER / "BINANCE.http.0.0.gz").read_bytes()).splitlines():
        if b"/depth?symbol=" in line:
            name = line.partition(b"symbol=")[2].partition(b"&")[0]
            books.append(name + b" " + line.partition(b": ")[2])
    return kraken.of_peer("binance", once, products, 200, wanted=" ".join(COINS), books=b"\n".join(books))


def best(frames: list[bytes], read: Callable[[bytes], object]) -> float:
    """Records a second of CPU time, the best of some turns: what a busy machine adds is not the decoder's."""
    found = []
    for _ in range(TURNS):
        began = time.process_time()
        for frame in frames:
            read(frame)
        found.append(time.process_time() - began)
    return len(frames) / min(found)


def run() -> None:
    recorded = CAPTURE.exists()
    once = captured(CAPTURE) if recorded else written()
    frames = (once * (RECORDS // len(once) + 1))[:RECORDS]
    market = [frame for frame in once if isinstance(market_row(frame), AggTradeRow | BookTickerRow)]
    # Each time around they are another connection's: a repetition would be dropped unread.
    rate = asyncio.run(around(market))
    typed, loads = best(frames, market_row), best(frames, json.loads)
    found = [
        ("typed decode (books, bars, trades, quotes)", typed),
        ("json.loads", loads),
        ("trades and quotes, to events of the engine", rate),
    ]
    peer = of_peer(once) if recorded else "the recorded session is not here"
    if not isinstance(peer, str):
        found.append(("cryptofeed's handler: books, bars, trades, tickers", peer))
    table(
        f"Binance records a second of CPU time, {'captured' if recorded else 'made up'}, of {len(frames):,}",
        ("", "records/s", "to json.loads"),
        [(name, f"{one:,.0f}", ratio(one, loads)) for name, one in found],
    )
    if isinstance(peer, str):
        print(f"\nbinance: LEFT OUT: cryptofeed: {peer}; TSTREAM_PEERS=PYTHON names one that has it")
    if typed < WANTED:
        raise SystemExit(f"binance: {typed:,.0f} records a second, {WANTED:,} are wanted")


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
            began = time.process_time()
            for frame in market:
                streams.take(frame, _no_other)
            seconds += time.process_time() - began
        rates.append(len(told) / seconds)
    return max(rates)


def _no_other(_row: object, _frame: bytes) -> None:
    raise AssertionError("a record of no market")
