"""Two connections that overlap: every print once, whichever of them was first."""

from __future__ import annotations

import json
from collections import Counter
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.projectx.anomalies import Anomalies
from adapters.projectx.market_stream import MarketStream
from engine.model.events import Print
from engine.model.instrument import CME_FUTURES
from tests.projectx import samples
from tests.projectx.conftest import NOW, QUICK, Inbox
from tests.support.virtual_loop import play


async def nothing() -> str:
    return ""


def stream(inbox: Inbox, seq: count[int]) -> MarketStream:
    contracts = {samples.MNQ: CME_FUTURES["MNQ"]}
    return MarketStream(
        contracts, inbox, lambda: NOW, lambda ts: True, QUICK, Anomalies(), seq.__next__, nothing
    )


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
