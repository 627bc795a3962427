"""tstream simulate, as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from adapters.simulator.faults.catalogue import CATALOGUE
from adapters.simulator.faults.help_text import help_text
from tests.support.patience import patient
from tstream import cli
from tstream.cli import call

ROOT = Path(cli.__file__).parent.parent


@contextmanager
def simulate(*argv: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """`tstream simulate` at any free port, and what it says when it listens."""
    with subprocess.Popen(
        [sys.executable, "-m", "tstream", "simulate", "--port", "0", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as venue:
        assert venue.stdout is not None
        yield venue, json.loads(venue.stdout.readline())


def ended(venue: subprocess.Popen[str], number: signal.Signals) -> str:
    """All that it has said to people, once it has ended well at a signal."""
    venue.send_signal(number)
    assert venue.wait(patient(20)) == 0
    assert venue.stderr is not None
    return venue.stderr.read()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_serves_until_it_is_told_to_stop(number: signal.Signals, tmp_path: Path) -> None:
    book = tmp_path / "book.db"
    with simulate("--seed", "7", "--state", str(book)) as (venue, ready):
        assert ready["seed"] == 7
        with urlopen(f"http://127.0.0.1:{ready['port']}/api/Status/ping", timeout=patient(10)) as answer:
            assert b"pong" in answer.read()
        said = ended(venue, number)
    assert said.splitlines()[-1].startswith("practice venue: ended, PRAC-")
    assert "balance 50000.00 USD, flat" in said
    assert "user practice, key practice" in said
    assert "Traceback" not in said
    assert book.exists()


def test_a_taken_port_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert call(["simulate", "--port", str(port)]) == 1
    assert f"tstream: can't serve at http://127.0.0.1:{port}: " in capsys.readouterr().err


def test_a_tape_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tape = tmp_path / "tape.csv"
    tape.write_text("time,open,high,low,close,volume\nnonsense\n", encoding="utf-8")
    argv = ["simulate", "--tape", str(tape), "--contract", "ES", "--stamp", "open"]
    assert call(argv) == 2
    assert "tape.csv, row 2" in capsys.readouterr().err


def test_time_over_sockets_has_a_most(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["simulate", "--speed", "max"]) == 2
    assert "20 is the most" in capsys.readouterr().err


def test_it_lists_the_faults(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["simulate", "--list-faults"]) == 0
    said = capsys.readouterr().out
    assert said == help_text()
    assert all(f"\n  {name}\n" in said for name in CATALOGUE)


def test_faults_that_do_not_exist_are_explained_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["simulate", "--fault", "lost-repyl", "--fault", "halt", "--fault", "halt:second=3"]
    assert call(argv) == 2
    first, second, remedy = capsys.readouterr().err.splitlines()
    assert "--fault lost-repyl" in first
    assert "did you mean lost-reply" in first
    assert "did you mean seconds?" in second
    assert "--list-faults" in remedy


def test_it_misbehaves_as_told(tmp_path: Path) -> None:
    argv = ["--fault", "refused-login:code=7,nth=2", "--daily-loss", "1000"]
    with simulate(*argv, "--state", str(tmp_path / "book.db")) as (venue, ready):
        codes = [login(ready["port"]) for _ in range(3)]
        said = ended(venue, signal.SIGINT)
    assert codes == [0, 7, 0]
    assert "practice venue: fault refused-login:code=7,nth=2 acts on login" in said


def login(port: int) -> int:
    """The errorCode of a login with the venue's own key."""
    body = json.dumps({"userName": "practice", "apiKey": "practice"}).encode()
    asked = Request(f"http://127.0.0.1:{port}/api/Auth/loginKey", body, {"Content-Type": "application/json"})
    with urlopen(asked, timeout=patient(10)) as answer:
        return int(json.loads(answer.read())["errorCode"])
