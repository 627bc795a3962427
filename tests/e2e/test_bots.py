"""Two bots that trade and one that only says what it would do, in the real program at the practice venue."""

from __future__ import annotations

from pathlib import Path

from engine.model.view import BotView, View
from tests.e2e.program import Headless
from tests.e2e.venue import Venue

SETTINGS = """
contracts = ["MNQ"]
[[bots]]
name = "one"
params = { min_score = 3.0, cooldown_minutes = 0, min_volume = 0 }
[[bots]]
name = "two"
params = { min_score = 3.0, cooldown_minutes = 0, min_volume = 0 }
[[bots]]
name = "watcher"
mode = "signals"
params = { min_score = 3.0, cooldown_minutes = 0, min_volume = 0 }
"""


def bots(view: View | None) -> dict[str, BotView]:
    return {bot.name: bot for bot in view.bots} if view is not None else {}


def test_two_bots_hold_one_contract_beside_each_other_and_a_stop_outlasts_a_kill(home: Path) -> None:
    home.mkdir()
    (home / "tstream.toml").write_text(SETTINGS, encoding="utf-8")
    with Headless(home, "--speed", "20") as run:
        venue = Venue(run.practice())

        def both() -> bool | None:
            known = bots(run.view())
            return (bool(known) and known["one"].open_plans == known["two"].open_plans == 1) or None

        run.until(both, "both hold a trade", 120)
        run.until(lambda: venue.protected() or None, "all of it is protected")
        assert bots(run.view())["watcher"].entries == 0
        told = run.beside("bots", "stop", "one")
        assert (told.returncode, told.stderr) == (0, "")
        run.written(b'"bot_switched"')
        run.kill()
    with Headless(home, "--speed", "20") as run:
        known = run.until(lambda: bots(run.view()) or None, "it answers")
        assert known["one"].state == "stopped by cli"
        assert known["two"].state == "running"
        assert known["watcher"].state == "signals only"
        told = run.beside("flatten", "--yes", "--wait", "40")
        assert told.returncode == 0, told.stdout + told.stderr
