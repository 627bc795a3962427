from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.program import PATIENT, TSTREAM
from tests.e2e.terminal import CLOCK, UNHURRIED, Cockpit, price_of, seconds_of
from tstream.paths import find
from tstream.run.first_picture import recall, remember


def test_the_cockpit_opens_and_ticks_follows_keys_and_sizes_and_is_opened_again_with_wrong_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "tstream.toml").write_text('contracts = ["MNQ", "NQ"]\n', encoding="utf-8")
    with Cockpit.start(home, "--speed", "2", size=(120, 40)) as cockpit:
        cockpit.wait_for(r"PRACTICE")
        cockpit.wait_for(r"MNQ\w* +[\d.]+ [▲▼]")

        # Quotes move, and practice time goes on.
        first, begun = price_of(cockpit, "MNQ"), seconds_of(cockpit)
        cockpit.wait_until(lambda: price_of(cockpit, "MNQ") != first, "the price moves")
        cockpit.wait_until(lambda: seconds_of(cockpit) >= begun + 3, "practice time goes on")
        assert "practice time" in cockpit.text
        assert re.match(r" *PRACTICE", cockpit.screen()[0])

        # The next contract: status bar, chart and alignment change together.
        cockpit.wait_for(r"Chart · MNQ\w* ")
        cockpit.wait_for(r"Alignment · MNQ\b")
        assert _status_contract(cockpit) == "MNQ"
        cockpit.press("n")
        cockpit.wait_for(r"Chart · NQ\w* ")
        cockpit.wait_for(r"Alignment · NQ\b")
        cockpit.wait_until(lambda: _status_contract(cockpit) == "NQ", "the status bar shows NQ")
        cockpit.press("N")
        cockpit.wait_for(r"Chart · MNQ\w* ")
        cockpit.wait_for(r"Alignment · MNQ\b")

        # Every size shows where the money stands; too small a window says so; and back again.
        for columns, rows in ((80, 24), (200, 60), (120, 40)):
            cockpit.resize(columns, rows)
            cockpit.wait_until(lambda: _whole(cockpit), f"{columns}x{rows} is filled")
        cockpit.resize(55, 18)
        cockpit.wait_for(r"60×20")
        assert "Positions" not in cockpit.text
        cockpit.resize(80, 24)
        cockpit.wait_until(lambda: _whole(cockpit), "80x24 is filled again")
        cockpit.resize(120, 40)
        cockpit.wait_until(lambda: _whole(cockpit) and cockpit.find("Alignment"), "120x40 is filled again")

        assert cockpit.leave() == 0
        assert b"Traceback" not in cockpit.raw
        assert b"\x1b[?1049l" in cockpit.raw  # the screen of before is back
    _opened_with_wrong_settings(home, monkeypatch)


def _opened_with_wrong_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an update that refuses what an older tstream took: the kept picture is of a good start. What
    turns out wrong behind it ends the cockpit with its line.
    """
    for name, value in (PATIENT | UNHURRIED).items():
        monkeypatch.setenv(name, value)
    paths = find({"TSTREAM_HOME": str(home)})
    kept = recall(paths, None)
    assert kept is not None
    paths.settings_file.write_text("[risk]\nmax_contracts = 0\n", encoding="utf-8")
    remember(paths, None, kept)
    # Below a shell, as people start it: the last words of what a terminal was made for may be lost with it.
    shell = ("sh", "-c", '"$0"; echo "it ended with $?"; read _', str(TSTREAM))
    with Cockpit.start(home, command=shell) as cockpit:
        cockpit.wait_for("it ended with 2")
        shown = bytes(cockpit.raw).decode()
    picture, told = shown.split("\x1b[?1049l")
    assert "PRACTICE" in picture
    assert "tstream: risk.max_contracts = 0: must be a whole number from 1 to 1000000 (in" in told
    assert "Traceback" not in shown


def _status_contract(cockpit: Cockpit) -> str:
    found = re.match(r" *PRACTICE[ │]+([A-Z]+?)(?:[HMUZ]\d)? ", cockpit.screen()[0])
    return found[1] if found else ""


def _whole(cockpit: Cockpit) -> bool:
    """Whether badge, contract, clock, trading state and positions are there, and the last line has keys."""
    top, bottom = cockpit.screen()[0], cockpit.screen()[-1]
    return (
        _status_contract(cockpit) == "MNQ"
        and re.search(CLOCK, top) is not None
        and "ACTIVE" in top
        and "Positions" in cockpit.text
        and "quit" in bottom
    )
