"""The way in and the way out: market records to events, and orders to a venue on loopback."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import TypeVar

import aiohttp
import msgspec

from adapters.common.anomalies import Anomalies
from adapters.common.secret import Secret
from adapters.projectx import requests
from adapters.projectx.config import ProjectXConfig, RateLimits, Timing, always_open
from adapters.projectx.market_stream import MarketStream
from adapters.projectx.signalr import HubRecord, RecordSplitter
from adapters.projectx.venue import ProjectXVenue
from adapters.projectx.wire import PrintsRecord, QuoteRecord
from adapters.simulator.config import DEFAULT_SEED
from adapters.simulator.market.candles import Candles
from adapters.simulator.market.generated import GeneratedMarket
from adapters.simulator.market.hours import practice_open
from adapters.simulator.market.ticker import Ticker
from adapters.simulator.opening import listed
from adapters.simulator.wire.projectx.market_stream import MarketRecords
from bench.figures import ms, quantile, ratio, table
from bench.terminal import ROOT
from engine.model.effects import PlaceOrder
from engine.model.events import AnyEvent, Print
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.model.orders import OrderSpec, OrderType

T = TypeVar("T")

RECORDS = 40_000
TURNS = 5
ORDERS = 400


def records() -> tuple[list[bytes], dict[str, str]]:
    """Market records as the practice venue writes them, and which contract id is which product."""
    market = GeneratedMarket(DEFAULT_SEED, practice_open(date(2026, 11, 16)))
    contracts = listed(market).front
    writers = {}
    for symbol, contract in contracts.items():
        candles = Candles(symbol, market.history(symbol), None)
        writers[symbol] = MarketRecords(Ticker(contract, candles, market.start_ts))
    written: list[bytes] = []
    for event in market.events():
        writer = writers[event.instrument]
        if isinstance(event, Print):
            writer.ticker.on_print(event)
            text = writer.trades([event])
        else:
            writer.ticker.on_quote(event)
            text = writer.changed_quote(event.ts_venue)
        written.append(text.encode() + b"\x1e")
        if len(written) == RECORDS:
            return written, {contract.id: symbol for symbol, contract in contracts.items()}
    raise AssertionError("the generated market has no end")


def whole_quotes() -> tuple[list[bytes], dict[str, str]]:
    """Quotes as the gateway itself writes them: every key, seven digits of the second, one contract."""
    rng = random.Random(DEFAULT_SEED)
    contract, price = "CON.F.US.ENQ.Z26", 29_567.75
    written: list[bytes] = []
    for number in range(RECORDS // 2):
        price += rng.choice((-0.25, 0.0, 0.25))
        second, fraction = divmod(number, 20)
        stamp = f"2026-11-16T14:{second // 60:02}:{second % 60:02}.{fraction * 500_000 + 123:07}+00:00"
        quote = {
            "symbol": "F.US.ENQ", "symbolName": "/NQ", "lastPrice": price, "bestBid": price,
            "bestAsk": price + 0.25, "change": price - 29_447.5, "changePercent": 0.0041, "open": 29_447.5,
            "high": 29_600.75, "low": 29_400.25, "volume": 123_456 + number, "lastUpdated": stamp,
            "timestamp": stamp,
        }  # fmt: skip
        record = {"type": 1, "target": "GatewayQuote", "arguments": [contract, quote]}
        written.append(msgspec.json.encode(record) + b"\x1e")
    return written, {contract: "NQ"}


async def _no_answer() -> str:
    """Nothing falls silent here."""
    return ""


async def decode(frames: list[bytes], ids: dict[str, str]) -> tuple[float, int]:
    """Seconds a record from bytes to an event for the engine; and how many events it made."""
    events: list[AnyEvent] = []
    stream = MarketStream(
        {contract: CME_FUTURES[symbol] for contract, symbol in ids.items()},
        events.append,
        time.time_ns,
        always_open,
        Timing(),
        Anomalies(),
        lambda: len(events),
        _no_answer,
    )
    stream.go_live()
    splitter, decoder = RecordSplitter(), msgspec.json.Decoder(HubRecord)
    began = time.perf_counter()
    for frame in frames:
        for raw in splitter.feed(frame):
            if not stream.take(raw):
                record = decoder.decode(raw)
                stream.receive(record.target, record.arguments)
    return (time.perf_counter() - began) / len(frames), len(events)


def bare(frames: list[bytes], read: Callable[[bytes], object]) -> float:
    """Seconds a record for a decoder that makes nothing of it."""
    plain = [frame[:-1] for frame in frames]
    began = time.perf_counter()
    for raw in plain:
        read(raw)
    return (time.perf_counter() - began) / len(frames)


def way_in(title: str, frames: list[bytes], ids: dict[str, str]) -> None:
    """Measure, in turn, and print the best of each: what a busy machine adds is not the decoder's."""
    typed = msgspec.json.Decoder(QuoteRecord | PrintsRecord).decode
    ours, plain, quick = [], [], []
    for _ in range(TURNS):
        seconds, events = asyncio.run(decode(frames, ids))
        ours.append(seconds)
        plain.append(bare(frames, json.loads))
        quick.append(bare(frames, typed))
    if events != len(frames):
        raise AssertionError(f"{len(frames)} records made {events} events")
    rows = (
        ("bytes to event", min(ours)),
        ("json.loads of the same bytes", min(plain)),
        ("msgspec, typed, of the same bytes", min(quick)),
    )
    table(
        f"wire in: {len(frames):,} {title} of {sum(map(len, frames)) // len(frames)} bytes, best of {TURNS}",
        ("", "a record", "records/s", "to json.loads", "to msgspec"),
        [
            (name, f"{1e6 * s:.1f} µs", f"{1 / s:,.0f}", ratio(s, min(plain)), ratio(s, min(quick)))
            for name, s in rows
        ],
    )


@contextmanager
def service() -> Iterator[dict[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "bench.service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield msgspec.json.decode(child.stdout.readline(), type=dict[str, str])
    finally:
        child.stdin.close()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()


async def orders() -> dict[str, list[float]]:
    """Seconds from wish to reply: an order placed, it cancelled, and a bare POST of the same body."""
    with service() as urls:
        limits = RateLimits(requests=1_000_000)
        config = ProjectXConfig(
            user_name="practice",
            api_key=Secret("practice"),
            instruments=CME_FUTURES,
            api_url=urls["venue"],
            limits=limits,
        )
        venue = ProjectXVenue(config, time.time_ns)
        instrument = CME_FUTURES["MNQ"]
        seen: dict[str, list[float]] = {"place": [], "cancel": [], "bare": []}
        try:
            account = (await venue.choose_account(None)).id
            await venue.contracts.resolve()
            contract = venue.contracts.active_id("MNQ")

            def body(number: int) -> dict[str, object]:
                order = PlaceOrder(
                    book="bench",
                    client_id=f"bench-{number}",
                    instrument="MNQ",
                    spec=OrderSpec(Side.BUY, OrderType.LIMIT, 1, 110_000, stop_offset=-40, target_offset=60),
                )
                return requests.place_request(order, account, contract, instrument)

            async with aiohttp.ClientSession() as http:

                async def post(number: int) -> None:
                    plain = {key: value for key, value in body(number).items() if key != "limitPrice"}
                    async with http.post(f"{urls['bare']}/api/Order/place", json=plain) as response:
                        await response.json()

                for number in range(ORDERS):
                    placed, seconds = await timed(venue.rest.place(body(number), protects=True))
                    seen["place"].append(seconds)
                    _, seconds = await timed(venue.rest.cancel(account, int(placed)))
                    seen["cancel"].append(seconds)
                    _, seconds = await timed(post(number))
                    seen["bare"].append(seconds)
        finally:
            await venue.close()
        return seen


async def timed(work: Awaitable[T]) -> tuple[T, float]:
    """What the work gives, and the seconds that it took."""
    began = time.perf_counter()
    given = await work
    return given, time.perf_counter() - began


def run() -> None:
    """Measure and print."""
    way_in("quotes and prints of the practice venue", *records())
    way_in("whole quotes", *whole_quotes())
    seen = asyncio.run(orders())
    middle = {key: quantile(times, 0.5) for key, times in seen.items()}
    rows = (
        ("place", "bracket order placed at the practice venue"),
        ("cancel", "that order cancelled"),
        ("bare", "the same body to a bare aiohttp server"),
    )
    table(
        f"wire out: request to reply over loopback, {ORDERS} each, in turn",
        ("", "p50", "p99", "to the bare POST"),
        [
            (name, ms(middle[key]), ms(quantile(seen[key], 0.99)), ratio(middle[key], middle["bare"]))
            for key, name in rows
        ],
    )
