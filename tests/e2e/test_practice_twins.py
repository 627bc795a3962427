"""The program on practice twins: a trade by hand, the power cut, and a flatten."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from engine.model.view import View
from tests.e2e.program import Headless, gone

BUY = {
    "kraken": ("BTCUSDT.P", "--qty", "0.0002", "--stop-ticks", "800", "--target-ticks", "1600"),
    "ibkr": ("MES", "--qty", "1", "--stop-ticks", "100", "--target-ticks", "200"),
}
"""One lot, or two, by the names of the venues."""


def held(run: Headless) -> View | None:
    """The view, once a position stands with its stop."""
    seen = run.view()
    if seen is None or not seen.positions:
        return None
    return seen if all(one.stop is not None for one in seen.positions) else None


def bought(run: Headless, venue: str) -> CompletedProcess[str] | None:
    """What is said of the order, once it is taken: before that there are no prices yet."""
    said = run.beside("order", "place", "buy", *BUY[venue])
    return said if said.returncode == 0 else None


@pytest.mark.parametrize("venue", BUY)
def test_a_trade_by_hand_outlives_the_power_and_is_flattened(home: Path, venue: str) -> None:
    home.mkdir()
    settings = f'contracts = ["{BUY[venue][0]}"]\n[venues.{venue}]\n'
    (home / "tstream.toml").write_text(settings, encoding="utf-8")
    with Headless(home) as run:
        run.practice()
        placed = run.until(lambda: bought(run, venue), "an order is taken")
        assert "placed as" in placed.stdout
        first = run.until(lambda: held(run), "the position stands with its stop")
        run.kill()
    with Headless(home) as again:
        practice = again.practice()
        second = again.until(lambda: held(again), "the position is known again")
        assert [(one.instrument, one.qty, one.stop) for one in second.positions] == [
            (one.instrument, one.qty, one.stop) for one in first.positions
        ]
        flat = again.beside("flatten", "--yes")
        assert (flat.returncode, flat.stderr) == (0, "")
        again.until(lambda: (seen := again.view()) and not seen.positions, "nothing is held")
        again.process.terminate()
        assert again.process.wait(30) == 0
        gone(practice)
    assert "Traceback" not in again.output
