"""When held practice time goes on: once the engine sees the market and its account."""

from __future__ import annotations

from engine.model.events import LinkChanged, LinkState
from tstream.run.wiring import FirstSight


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
