from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

from engine.model.restrictions import TradingState
from tests.e2e.program import Headless, gone, tstream, within
from tests.e2e.terminal import Cockpit
from tests.e2e.venue import IDEAS_SOON, Venue
from tests.support.patience import patient


def test_without_a_terminal_the_cockpit_says_what_to_do_instead(home: Path) -> None:
    told = tstream(home)
    assert told.returncode == 2
    assert "needs a terminal" in told.stderr
    assert "tstream run --headless" in told.stderr
    assert not home.exists()


def test_f37_a_timed_run_whose_clock_is_set_ends_by_itself_with_its_summary(desk: Path) -> None:
    with Headless(desk, "--for", "40s", "--speed", "20", "--fault", "engine-clock:at=25,by=-300") as run:
        practice = run.practice()
        assert run.process.wait(patient(60)) == 0
        gone(practice)
    assert "market link live" in run.output
    assert "set back by 5 min 0 s" in run.output
    assert "fills          practice venue, latency 8 ms" in run.output
    for figure in ("trades", "net P&L", "win rate", "profit factor", "max drawdown"):
        assert figure in run.output


def test_commands_over_the_socket_reach_the_venue_and_nobody_else_gets_in(desk: Path) -> None:
    (desk / "tstream.toml").write_text('contracts = ["MNQ", "MES", "MGC"]\n', encoding="utf-8")
    with Headless(desk, "--speed", "20", "--seed", IDEAS_SOON) as run:
        practice = run.practice()
        venue = Venue(practice)
        second = tstream(desk, "run", "--headless")
        assert second.returncode == 1
        assert str(run.process.pid) in second.stderr
        with Cockpit.start(desk) as cockpit:
            assert cockpit.ended() == 1
            assert str(run.process.pid) in cockpit.text
            assert b"Traceback" not in cockpit.raw
        run.until(lambda: (seen := run.view()) and seen.positions, "a position opens")
        run.until(venue.protected, "each position has its stops at the venue")
        answer, shown = tstream(desk, "status", "--json"), run.beside("status")
        assert (answer.returncode, shown.returncode) == (0, 0)
        held = json.loads(answer.stdout)["positions"]
        assert held
        assert "PRACTICE" in shown.stdout
        assert all(position["instrument"] in shown.stdout for position in held)

        paused = run.beside("pause")
        assert (paused.returncode, "paused" in paused.stdout) == (0, True)
        run.until(lambda: _states(run) == {TradingState.REDUCING}, "the picture says so")
        assert venue.protected(), "a pause leaves positions and their stops"
        resumed = run.beside("resume")
        assert resumed.returncode == 0
        run.until(lambda: _states(run) == {TradingState.ACTIVE}, "the picture says so")

        unsure = run.beside("flatten")
        assert unsure.returncode == 2
        assert "at market" in unsure.stderr
        assert venue.positions()
        flat = tstream(desk, "flatten", "--yes")
        assert (flat.returncode, flat.stderr) == (0, "")
        assert venue.positions() == []
        assert venue.live_orders() == []

        # An engine that answers is asked to do it, however many sit on its socket; nobody is ended, and
        # nobody takes an account from two sides (f34, f54).
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(16)]
        for client in crowd:
            client.connect(str(desk / "run" / "control.sock"))
        again = run.beside("flatten", "--yes", "--takeover")
        for client in crowd:
            client.close()
        assert (again.returncode, again.stderr) == (0, "")
        assert run.process.poll() is None

        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(patient(30)) == 0
        gone(practice)
    assert "net P&L" in run.output
    assert "Traceback" not in run.output
    history = json.loads(within(desk, "history", "status", "--json").stdout)
    assert (history["behind"], history["rows"]["fills"] > 0) == (0, True), "what the journal has, it tells"
    files = desk / "state" / "files"
    assert json.loads((files / "status.json").read_bytes())["is_alive"] is False
    assert " TRADE " in (files / "trades.log").read_text(encoding="utf-8"), "the flatten ended a trade"
    alone = within(desk, "status")
    assert alone.returncode == 1
    assert alone.stderr.startswith("tstream: ")


def _states(run: Headless) -> set[TradingState]:
    view = run.view()
    assert view is not None
    return {contract.state for contract in view.contracts}
