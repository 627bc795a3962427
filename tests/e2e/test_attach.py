"""The real program: an engine without a screen, cockpits that attach to it, and an engine that is handed
over.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from adapters.control.client import fetch_view
from engine.model.restrictions import TradingState
from tests.e2e.program import Headless
from tests.e2e.terminal import Cockpit
from tests.support.patience import patient
from tests.support.ssh_stand_in import ssh_stand_in

DOWN = r"ENGINE DOWN"
ENGINE = ("engine",)


def states(run: Headless) -> set[TradingState]:
    view = run.view()
    return set() if view is None else {book.state for book in view.books}


def accesses(home: Path) -> list[dict[str, Any]]:
    text = (home / "state" / "access.log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def until_found(cockpit: Cockpit, pattern: str, seconds: float) -> float:
    """How long it took until the screen showed it."""
    began = time.monotonic()
    cockpit._wait(lambda: cockpit.find(pattern), patient(seconds))
    assert cockpit.find(pattern), cockpit.text
    return time.monotonic() - began


def test_cockpits_attach_to_an_engine_outlive_each_other_and_come_back_by_themselves(
    desk: Path, tmp_path: Path
) -> None:
    ssh = ssh_stand_in(tmp_path / "ssh")
    with Headless(desk, "--speed", "5", command=ENGINE) as run:
        practice = run.practice()
        run.until(run.view, "it answers")
        with (
            Cockpit.start(desk, "attach") as here,
            Cockpit.start(desk, "attach", "--readonly", "ssh://anna@server:2222", env=ssh) as there,
        ):
            for cockpit in (here, there):
                cockpit.wait_for(r"● live")
                cockpit.wait_for(r"21,?\d\d\d\.\d\d|MNQ")
            here.press("p")
            run.until(lambda: states(run) == {TradingState.REDUCING}, "the cockpit's command has paused it")
            there.wait_for("paused by")
            there.press("r")
            there.confirm()
            there.press("p")
            there.wait_for("attached to look only")
            assert states(run) == {TradingState.REDUCING}
            assert "-p 2222 -l anna -- server" in (tmp_path / "ssh" / "ssh.calls").read_text()

            os.killpg(there.process.pid, signal.SIGKILL)
            run.process.kill()
            run.process.wait()
            assert until_found(here, DOWN, 2.0) < patient(2.0)
            practice.wait(patient(15))
            with Headless(desk, command=ENGINE) as again:
                again.practice()
                here._wait(lambda: here.find(r"● live") and not here.find(DOWN), patient(40))
                assert not here.find(DOWN), here.text
                here.wait_for("PAUSED")
                assert here.leave() == 0
                assert b"the engine on this machine goes on" in here.raw
                assert again.process.poll() is None
    told = [(one["event"], one.get("role"), one.get("origin")) for one in accesses(desk)]
    assert ("attached", "trader", "this machine") in told
    assert ("attached", "viewer", "ssh from 10.0.0.5") in told
    assert ("refused", "viewer", "ssh from 10.0.0.5") in told
    assert [one["what"]["command"] for one in accesses(desk) if one["event"] == "commanded"] == ["pause"]


def test_an_engine_is_handed_over_and_its_cockpit_attaches(desk: Path) -> None:
    with Cockpit.start(desk, "--speed", "2") as cockpit:
        first = cockpit.practice()
        cockpit.wait_for(r"● live")
        before = fetch_view(desk / "run" / "control.sock")
        cockpit.press("H")
        cockpit.wait_for("nothing is watched for the seconds between")
        cockpit.confirm()
        first.wait(patient(20))
        cockpit.wait_for(r"● live")
        assert b"nobody watched for" in cockpit.raw
        engine = next(
            one
            for one in psutil.process_iter(["cmdline", "environ"])
            if (one.info["cmdline"] or [])[-3:] == ["engine", "--speed", "2.0"]
            and (one.info["environ"] or {}).get("TSTREAM_HOME") == str(desk)
        )
        try:
            assert engine.pid != cockpit.process.pid
            after = fetch_view(desk / "run" / "control.sock")
            assert after.ts >= before.ts
            assert [book.account for book in after.books] == [book.account for book in before.books]
            cockpit.press("H")
            cockpit.wait_for("process of its own already")
            assert cockpit.leave() == 0
            assert engine.is_running()
        finally:
            engine.terminate()
            engine.wait(patient(20))
