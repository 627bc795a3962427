"""The practice venue's process ends by itself while the engine runs on."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.program import Headless, practice_child
from tests.e2e.venue import Venue
from tests.support.patience import patient


def test_a_killed_practice_venue_is_started_again(desk: Path) -> None:
    """Account, orders and protection are those of before, and the engine trades on."""
    with Headless(desk, "--speed", "12") as run:
        killed = run.practice()
        venue = Venue(killed)
        run.until(venue.protected, "each position has its stops at the venue", 120)
        held, entries = venue.signed(), [trade["id"] for trade in venue.trades()]
        killed.kill()
        killed.wait(patient(10))
        run.until(lambda: "practice venue link live: started again" in run.output, "it is started again", 60)
        told = "practice venue link down: its process has ended (killed by signal 9)"
        run.until(lambda: told in run.output, "the log says why")
        again = practice_child(run.process.pid)
        assert again is not None
        venue = Venue(again)
        assert [trade["id"] for trade in venue.trades()][-len(entries) :] == entries
        assert venue.signed() == held or len(venue.trades()) > len(entries)
        run.until(
            lambda: run.output.rfind("market link live") > run.output.find("signal 9"), "prices come", 60
        )
        run.until(lambda: not venue.positions() or venue.protected(), "what is still open has its stops", 60)
