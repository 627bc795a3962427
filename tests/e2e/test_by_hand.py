"""By key in a real terminal: bought with a stop, the stop moved, and what is pasted trades nothing."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.terminal import HELD, Cockpit
from tests.e2e.venue import STOP, Venue


def _stops(venue: Venue) -> list[float]:
    return [order["stopPrice"] for order in venue.live_orders() if order["type"] == STOP]


def test_bought_with_a_stop_in_six_keys_and_the_stop_moved_by_four_ticks(desk: Path) -> None:
    settings = 'contracts = ["MNQ"]\n[strategy]\nmin_score = 10\n'  # nothing is traded but by hand
    (desk / "tstream.toml").write_text(settings, encoding="utf-8")
    with Cockpit.start(desk, "--speed", "5", size=(80, 24)) as cockpit:
        venue = Venue(cockpit.practice())
        cockpit.wait_for("ACTIVE")
        cockpit.press("o\ry\r]]]]\r")  # pasted: the ticket is open at most, and nothing is asked
        cockpit.wait_for("Order · MNQ")
        cockpit.press("\x1b")
        cockpit.wait_gone("Order · MNQ")
        assert venue.trades() == []

        cockpit.press("o")
        cockpit.wait_for("would be taken")
        cockpit.press("\r")
        cockpit.confirm()
        cockpit.wait_for(HELD)
        held = cockpit.wait_until(venue.protected, "the position has its stop at the venue")
        assert len(held) == 1
        [before, *_] = _stops(venue)

        for _ in range(4):
            cockpit.press("]")
            cockpit._wait(lambda: False, 0.2)
        cockpit.wait_for(r"\+4 ticks")
        cockpit.wait_for("would be taken")
        cockpit._wait(lambda: False, 0.5)
        cockpit.press("\r")
        cockpit.wait_until(
            lambda: set(_stops(venue)) == {before + 1}, "the venue's stop is four ticks nearer"
        )
