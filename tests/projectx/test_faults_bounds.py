"""Numbers from outside: what is beyond its bound is counted and left out, and nothing grows with it."""

from __future__ import annotations

import json
import resource
from typing import Any

import pytest
from msgspec import Raw

from adapters.common.anomalies import Anomalies
from adapters.projectx import signalr
from adapters.projectx.signalr import RecordSplitter
from adapters.projectx.wire import WireAccount, WireError, WireOrder, WirePosition, WireTrade, read, read_user
from engine.model.errors import RetryableError, UnknownOutcomeError
from engine.model.events import FillReported, LinkState, Print, Quote
from engine.model.orders import VenueStatus
from tests.projectx import samples
from tests.projectx.conftest import entry, running
from tests.projectx.gateway import POSITIONS, Gateway
from tests.projectx.practice import START, bench
from tests.support.waits import Inbox

MOST_GROWTH_KB = 64 * 1024


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(("megabytes", "packed"), [(200, False), (1000, True)])
async def test_f53_a_body_without_end_is_not_read(megabytes: int, packed: bool) -> None:
    async with bench(feed=False) as b:
        await b.broker.snapshot(START)
        before = peak_kb()
        b.practice.faults.add("huge-reply", call="positions", megabytes=megabytes, packed=packed)
        with pytest.raises(RetryableError, match="an answer of more than 4096 KiB, which was not read"):
            await b.broker.snapshot(START)
        assert peak_kb() - before < MOST_GROWTH_KB
        assert b.venue.anomalies.counts == {POSITIONS: 1}
        assert (await b.broker.snapshot(START)).positions == ()


async def test_f53_an_order_whose_answer_has_no_end_is_of_unknown_outcome() -> None:
    async with bench(feed=False) as b:
        b.practice.faults.add("huge-reply", call="place", megabytes=2)
        with pytest.raises(UnknownOutcomeError, match="more than 256 KiB"):
            await b.broker.place(entry(qty=1))
        await b.status("ts-a-1-1", VenueStatus.FILLED)


async def test_f53_an_answer_nested_without_end_is_one_that_cant_be_read() -> None:
    async with bench(feed=False) as b:
        b.practice.faults.add("garbled-reply", call="positions", how="deep")
        with pytest.raises(RetryableError, match="nested more than 32 levels deep"):
            await b.broker.snapshot(START)
        assert b.venue.anomalies.counts == {POSITIONS: 1}


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("deep", "user hub record"),
        ("number", "GatewayUserTrade"),
        ("time", "GatewayUserTrade"),
        ("long", None),
    ],
)
async def test_f53_a_monstrous_record_of_the_hub_is_counted_and_the_truth_is_looked_up(
    how: str, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(feed=False) as b:
        b.practice.faults.add("monstrous-event", event="fill", how=how)
        await b.broker.place(entry(qty=1))
        if told is None:  # more than a connection may bring at once: it is ended, and a look follows
            await b.inbox.live("user", times=2)
        else:
            await b.inbox.until(lambda: b.venue.anomalies.counts == {told: 1})
            assert b.inbox.states("user")[-1] is LinkState.LIVE
        assert b.inbox.of(FillReported) == []
        assert [fill.qty for fill in (await b.broker.snapshot(START)).fills] == [1]
    assert "Traceback" not in caplog.text


HUGE, LONG_ID = 10**12, 10**30
ROWS: list[tuple[type, dict[str, Any]]] = [
    (WireTrade, samples.trade(size=HUGE)),
    (WireTrade, samples.trade(LONG_ID)),
    (WireTrade, samples.trade(-1)),
    (WireTrade, samples.trade(orderId=LONG_ID)),
    (WireTrade, samples.trade(price="NaN")),
    (WireTrade, samples.trade(price="1e999999999")),
    (WireTrade, samples.trade(fees="Infinity")),
    (WireTrade, samples.trade(commissions=1e13)),
    (WireTrade, samples.trade(contractId="x" * 2_000)),
    (WireOrder, samples.order(LONG_ID)),
    (WireOrder, samples.order(size=HUGE)),
    (WireOrder, samples.order(fillVolume=HUGE)),
    (WireOrder, samples.order(status=LONG_ID)),
    (WireOrder, samples.order(customTag="x" * 2_000)),
    (WirePosition, samples.position(size=HUGE)),
    (WirePosition, samples.position(averagePrice="NaN")),
    (WireAccount, samples.account(balance="NaN")),
    (WireAccount, samples.account(balance=-1e15)),
    (WireAccount, samples.account(name="x" * 2_000)),
]


@pytest.mark.parametrize(("shape", "row"), ROWS)
def test_numbers_from_outside_have_bounds(shape: type, row: dict[str, Any]) -> None:
    """Also as the liberal reading takes them, and as texts."""
    texts = {k: str(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in row.items()}
    for spelt in (row, texts):
        raw = Raw(json.dumps(spelt).encode())
        with pytest.raises(WireError):
            read(raw, shape)
        with pytest.raises(WireError):
            read_user(Raw(b"[" + bytes(raw) + b"]"), shape)


@pytest.mark.parametrize(
    "junk", [b"\xff", b'{"type":"\xc3"}', b"[" * 2_000, b'{"x":' * 2_000, b"[" * 40 + b"]" * 40, b"1e999999"]
)
def test_bytes_that_are_no_record_are_no_record(junk: bytes) -> None:
    for shape in (WireTrade, WireOrder):
        with pytest.raises(WireError):
            read(junk, shape)
        with pytest.raises(WireError):
            read_user(Raw(junk), shape)


QUOTE = samples.first_quote(samples.MNQ)
PRINT = samples.market_trade()
Changes = list[dict[str, Any]]
LATER: Changes = [{"timestamp": "2031-10-07T16:00:00Z"}, {"timestamp": "0001-01-01T00:00:00Z"}]
ODD_QUOTES: Changes = [
    {"bestBid": 1e11},
    {"lastPrice": "1" * 60},
    {"open": "NaN"},
    {"change": "1e999999999"},
]
ODD_PRINTS: Changes = [{"volume": HUGE}, {"price": 1e11}]


async def test_a_price_a_size_and_a_time_of_the_market_have_bounds(
    gateway: Gateway, venue: Any, inbox: Inbox
) -> None:
    async with running(venue.feed, inbox):
        await inbox.live("market")
        [side] = gateway.hubs
        quotes, prints = len(inbox.of(Quote)), len(inbox.of(Print))
        for change in ODD_QUOTES + LATER:
            await side.send("GatewayQuote", samples.MNQ, QUOTE | change)
        for change in ODD_PRINTS + LATER:
            await side.send("GatewayTrade", samples.MNQ, [PRINT | change])
        await side.raw('{"type":1,"target":"GatewayQuote","arguments":' + "[" * 2_000 + "\x1e")
        await side.send("GatewayTrade", samples.MNQ, [PRINT])
        await inbox.until(lambda: len(inbox.of(Print)) > prints)
    assert len(inbox.of(Print)) == prints + 1
    # A figure that is only shown and can't be is left out, its quote is not.
    assert len(inbox.of(Quote)) == quotes + 2
    assert venue.anomalies.counts == {"GatewayQuote": 4, "GatewayTrade": 4, "market hub record": 1}


def test_a_record_in_a_thousand_pieces_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    splitter = RecordSplitter()
    assert not any(splitter.feed(b"x" * 4_000) for _ in range(1_000))
    [record] = splitter.feed(b"y\x1e")
    assert (len(record), record[-1:]) == (4_000_001, b"y")
    assert splitter.feed(b"\x1e") == []
    monkeypatch.setattr(signalr, "LARGEST_RECORD", 100)
    splitter.feed(b"x" * 90)
    with pytest.raises(ValueError, match="100 bytes"):
        splitter.feed(b"x" * 90)


async def test_a_stream_cant_make_us_ask_without_end(gateway: Gateway, venue: Any, inbox: Inbox) -> None:
    async with running(venue.brokers[0], inbox):
        await inbox.live("user")
        [side] = gateway.open_hubs("user")
        asked = len(gateway.calls)
        for number in range(40):
            row = samples.position(contractId=f"CON.F.US.X.{number}")
            await side.send("GatewayUserPosition", {"action": 1, "data": row})
        await side.send("GatewayUserAccount", {"action": 1, "data": samples.account()})
        await inbox.until(lambda: venue.anomalies.counts["GatewayUserPosition"])
        await gateway.until(lambda: len(gateway.calls) > asked)
    assert len(gateway.calls) - asked < 40


def test_anomalies_are_counted_by_kind() -> None:
    anomalies = Anomalies()
    for _ in range(3):
        anomalies.note("x", "why")
    assert (anomalies.counts["x"], anomalies.total) == (3, 3)
