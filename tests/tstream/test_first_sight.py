"""Practice time and ours: when it goes on, and what takes as long as ever however fast it runs."""

from __future__ import annotations

import pytest

from engine.model.config import BookConfig, EngineConfig
from engine.model.events import LinkChanged, LinkState
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS
from tstream.run.practice_venues import FirstSight
from tstream.run.wiring import in_real_time


def link(name: str, state: LinkState) -> LinkChanged:
    return LinkChanged(ts_recv=1, ts_venue=1, link=name, state=state)


def test_practice_time_goes_on_once_when_market_and_account_are_both_seen() -> None:
    said: list[str] = []
    sight = FirstSight(lambda: said.append("go"))
    for event in (
        link("rest", LinkState.LIVE),
        link("market", LinkState.LIVE),
        link("user", LinkState.CONNECTING),
    ):
        sight.hear(event)
    assert said == []
    sight.hear(link("user", LinkState.LIVE))
    sight.hear(link("market", LinkState.DOWN))
    sight.hear(link("market", LinkState.LIVE))
    assert said == ["go"]


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0, 20.0])
def test_t6_a_minute_waits_for_a_second_of_real_time_at_any_speed(speed: float) -> None:
    plain = EngineConfig((CME_FUTURES["MNQ"],), "practice venue", "t", 1, books=(BookConfig("practice"),))
    config = in_real_time(plain, speed)
    for spans in (config, plain):
        assert spans.latest_ns == 10 * spans.bar_grace_ns, "an idea is no older for having waited"
    assert config.bar_grace_ns / speed >= NANOS == plain.bar_grace_ns
    assert config.books[0].risk.unprotected_ns / speed >= plain.books[0].risk.unprotected_ns
