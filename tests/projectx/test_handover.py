"""Two connections that overlap: every print once, whichever of them was first."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.common.anomalies import Anomalies
from adapters.projectx.market_stream import MarketStream
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from tests.projectx import samples
from tests.projectx.conftest import NOW, QUICK
from tests.support.virtual_loop import play
from tests.support.waits import Inbox

ODD: list[object] = [21_000, 21_000.25, 21_000.5, 21_000.1, 0, None, "21000.75", "NaN", -0.25, {}, True]
PRICES = st.sampled_from(ODD)
TIMES = st.sampled_from(
    ["2031-10-06T14:30:00.1234567+00:00", "2031-10-06T14:30:01Z", "yesterday", "", 5, None]
)
QUOTES = st.dictionaries(
    st.sampled_from(["bestBid", "bestAsk", "lastPrice", "open", "change", "BestBid"]), PRICES
)


def market_record(target: str) -> st.SearchStrategy[tuple[str, Any]]:
    """Sense and nonsense in the shapes that the gateway uses, and in some that it does not."""
    contract = st.sampled_from([samples.MNQ, samples.ES, "CON.F.US.OTHER.Z31"])
    quote = st.builds(
        lambda row, time: row | time, QUOTES, st.fixed_dictionaries({}, optional={"timestamp": TIMES})
    )
    trade = st.fixed_dictionaries(
        {"price": PRICES, "volume": st.sampled_from([0, 1, 5, "2", None])},
        optional={"timestamp": TIMES, "type": st.sampled_from([0, 1, 7, None])},
    )
    payload = quote if target == "GatewayQuote" else trade | st.lists(trade, max_size=3)
    usual = st.tuples(contract, payload).map(list)
    return st.tuples(st.just(target), usual | st.just([]) | st.tuples(payload).map(list))


async def nothing() -> str:
    return ""


def stream(inbox: Inbox, seq: count[int]) -> MarketStream:
    contracts = {samples.MNQ: CME_FUTURES["MNQ"]}
    return MarketStream(
        contracts, inbox, lambda: NOW, lambda ts: True, QUICK, Anomalies(), seq.__next__, nothing
    )


@given(st.lists(st.sampled_from(["GatewayQuote", "GatewayTrade"]).flatmap(market_record), max_size=12))
def test_a_record_taken_whole_tells_what_its_parts_tell(records: list[tuple[str, Any]]) -> None:
    """The quick reading and the liberal one: the same events, the same records left out."""

    async def scenario() -> None:
        told, left_out = [], []
        for whole in (True, False):
            inbox, anomalies = Inbox(), Anomalies()
            contracts = {samples.MNQ: CME_FUTURES["MNQ"], samples.ES: CME_FUTURES["ES"]}
            reader = MarketStream(
                contracts, inbox, lambda: NOW, lambda ts: True, QUICK, anomalies, count().__next__, nothing
            )
            reader.go_live()
            for target, arguments in records:
                record = json.dumps({"type": 1, "target": target, "arguments": arguments}).encode()
                if not (whole and reader.take(record)):
                    reader.receive(target, Raw(json.dumps(arguments).encode()))
            told.append(list(inbox))
            left_out.append(anomalies.counts)
        assert told[0] == told[1]
        assert left_out[0] == left_out[1]

    play(scenario())


def prints(*volumes: int) -> Raw:
    """Prints that differ in nothing but their size."""
    return Raw(json.dumps([samples.MNQ, [samples.market_trade(volume=v) for v in volumes]]).encode())


@given(st.data())
def test_f32_a_change_of_connections_loses_no_print_and_tells_none_twice(data: st.DataObject) -> None:
    """Equal prints of one instant too: only how often each came tells them apart."""
    volumes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=30))
    begun = data.draw(st.integers(0, len(volumes)), "the first print that the new connection gets")
    until = data.draw(st.integers(begun, len(volumes)), "prints that the old one has told at the change")
    got = data.draw(st.integers(begun, len(volumes)), "prints that the new one has brought by then")
    steps = ["old"] * (until - begun) + ["new"] * (got - begun)
    order = data.draw(st.permutations(steps))

    async def scenario() -> list[int]:
        inbox, seq = Inbox(), count()
        old, new = stream(inbox, seq), stream(inbox, seq)
        old.go_live()
        for volume in volumes[:begun]:
            old.receive("GatewayTrade", prints(volume))
        new.follow(old)
        feeds = {"old": (old, iter(volumes[begun:until])), "new": (new, iter(volumes[begun:got]))}
        for who in order:
            one, left = feeds[who]
            one.receive("GatewayTrade", prints(next(left)))
        old.retire()
        new.go_live()
        for volume in volumes[until:]:
            old.receive("GatewayTrade", prints(volume))
        for volume in volumes[got:]:
            new.receive("GatewayTrade", prints(volume))
        return [event.size for event in inbox.of(Print)]

    assert Counter(play(scenario())) == Counter(volumes)


def test_a_change_that_comes_to_nothing_leaves_the_old_connection_alone() -> None:
    async def scenario() -> list[int]:
        inbox, seq = Inbox(), count()
        old = stream(inbox, seq)
        old.go_live()
        for _ in range(3):
            new = stream(inbox, seq)
            new.follow(old)
            new.receive("GatewayTrade", prints(1))
            old.receive("GatewayTrade", prints(1, 2))
            old.alone()
        return [event.size for event in inbox.of(Print)]

    assert play(scenario()) == [1, 2] * 3


def test_what_was_told_before_the_overlap_is_forgotten_in_time() -> None:
    async def scenario() -> list[int]:
        inbox, seq = Inbox(), count()
        old, new = stream(inbox, seq), stream(inbox, seq)
        old.go_live()
        new.follow(old)
        old.receive("GatewayTrade", prints(1))
        old.retire()
        new.go_live()
        new._settled_by = float("-inf")
        for _ in range(3):
            new.receive("GatewayTrade", prints(2))
        assert new._before is None
        return [event.size for event in inbox.of(Print)]

    assert play(scenario()) == [1, 2, 2, 2]
