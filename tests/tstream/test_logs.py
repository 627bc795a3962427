"""Logging: canaries in, none out; engine time; files for their owner; nothing printed over the cockpit."""

from __future__ import annotations

import json
import logging
import stat
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.common.redaction import Redactor
from tstream import logs as logs_module
from tstream.log_sinks import RingTail
from tstream.logs import LogOptions, Logs, write_crash

CANARY = "canary-5f2b"
PRACTICE_NOW = 1_772_461_500_250_000_000
"""2026-03-02T14:25:00.250Z"""

log = logging.getLogger("engine.test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tstream.log.jsonl"


Start = Callable[..., Logs]


@pytest.fixture
def start(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    started: list[Logs] = []

    def begin(**options: Any) -> Logs:
        # pytest's own handlers would raise on logging mistakes
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        logs = Logs(LogOptions(file=file, **options), lambda: PRACTICE_NOW, Redactor([CANARY]))
        started.append(logs)
        return logs.start()

    yield begin
    for logs in started:
        logs.close()


def written(logs: Logs) -> list[dict[str, Any]]:
    """What stands in the file once everything queued is written."""
    logs.close()
    return [json.loads(line) for line in logs.file.read_text(encoding="utf-8").splitlines()]


def test_a_line_has_both_times_and_its_origin(start: Start) -> None:
    logs = start()
    log.info("bought %d %s", 2, "MNQ", extra={"book": "practice"})
    (line,) = written(logs)
    assert line.pop("wall") > "2024"
    assert line == {
        "ts": "2026-03-02T14:25:00.250Z",
        "level": "INFO",
        "logger": "engine.test",
        "thread": threading.current_thread().name,
        "text": "bought 2 MNQ",
        "extra": {"book": "practice"},
    }


class Loud:
    def __repr__(self) -> str:
        return f"Loud({CANARY})"


def leak_by_message() -> None:
    log.error(f"the key is {CANARY}")  # noqa: G004 - what somebody may write by mistake


def leak_by_argument() -> None:
    log.error("the key is %s and %r", CANARY, Loud())


def leak_by_exception() -> None:
    try:
        raise ValueError(f"bad key {CANARY}")
    except ValueError:
        log.exception("login failed")


def leak_by_cause() -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError:
        log.exception("login failed")


def leak_by_extra() -> None:
    log.error("login failed", extra={"request": {"apiKey": CANARY}, "loud": Loud()})


def leak_by_wrong_arguments() -> None:
    log.error("%d tries with %s", CANARY, CANARY)


def leak_by_missing_arguments() -> None:
    log.error(f"%s tries {CANARY} %s", "x")  # noqa: G004 - the same


def leak_by_warning() -> None:
    warnings.warn(f"unclosed {CANARY}", ResourceWarning, stacklevel=1)


def leak_by_logger_name() -> None:
    logging.getLogger(f"venue.{CANARY}").error("login failed")


def leak_by_thread_name() -> None:
    thread = threading.Thread(target=log.error, args=("login failed",), name=f"login {CANARY}")
    thread.start()
    thread.join()


LEAKS = [value for name, value in sorted(globals().items()) if name.startswith("leak_by_")]


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
@pytest.mark.filterwarnings("always")
def test_no_canary_gets_out(
    leak: Callable[[], None], start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = start(console=sys.stdout)
    leak()
    lines = written(logs)
    assert lines
    assert CANARY not in json.dumps(lines)
    assert CANARY not in repr(logs.tail.lines(0))
    out, err = capfd.readouterr()
    assert out
    assert CANARY not in out + err


def test_a_logging_mistake_is_a_line_not_a_traceback_on_the_screen(
    start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = start()
    log.info("%d contracts", "two")
    (line,) = written(logs)
    assert line["text"].startswith("%d contracts [its arguments do not fit:")
    assert capfd.readouterr() == ("", "")


def test_the_file_has_the_traceback_and_the_pane_its_last_line(start: Start) -> None:
    logs = start()
    try:
        raise ValueError("no such\naccount")
    except ValueError:
        log.exception("login\nfailed")
    (line,) = written(logs)
    assert "Traceback (most recent call last)" in line["trace"]
    (shown,) = logs.tail.lines(0)
    assert (shown.level, shown.logger, shown.ts) == ("ERROR", "engine.test", PRACTICE_NOW)
    assert shown.text == "login failed: account"


def test_foreign_text_drives_no_terminal(start: Start, capfd: pytest.CaptureFixture[str]) -> None:
    logs = start(console=sys.stdout)
    log.warning("the venue says %s", "\x1b[2J[bold]hi[/bold]\x07")
    written(logs)
    (shown,) = logs.tail.lines(0)
    assert shown.text == "the venue says \\x1b[2J[bold]hi[/bold]\\x07"
    assert capfd.readouterr().out == f"2026-03-02T14:25:00.250Z WARNING engine.test: {shown.text}\n"


def test_levels(start: Start) -> None:
    logs = start(level="WARNING")
    log.info("one")
    log.warning("two")
    logs.follow(LogOptions(file=logs.file, level="INFO", max_bytes=50_000))
    log.info("three")
    logging.getLogger("aiohttp.access").info("GET /")
    assert [line["text"] for line in written(logs)] == ["two", "three"]


def test_files_are_for_their_owner_and_put_aside_when_full(start: Start, file: Path) -> None:
    logs = start(max_bytes=2_000, keep=2)
    for number in range(60):
        log.info("line %d", number)
    written(logs)
    files = sorted(file.parent.iterdir())
    assert [path.name for path in files] == [file.name, f"{file.name}.1", f"{file.name}.2"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert all(path.stat().st_size <= 2_000 for path in files)


def test_a_file_that_cannot_be_written_is_told_once_in_the_pane(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options = LogOptions(file=tmp_path / "absent" / "log.jsonl")
    with Logs(options, lambda: PRACTICE_NOW, Redactor()) as logs:
        log.info("one")
        log.info("two")
    texts = [line.text for line in logs.tail.lines(0)]
    assert [text for text in texts if not text.startswith("the log file can't be written")] == ["one", "two"]
    assert len(texts) == 3
    assert capfd.readouterr() == ("", "")


def test_a_flood_is_dropped_and_counted_and_delays_nobody(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_module, "_QUEUED", 5)
    logs = Logs(LogOptions(file=file), lambda: PRACTICE_NOW, Redactor())
    for listener in logs._listeners:  # a disk that has stalled
        monkeypatch.setattr(listener, "start", lambda: None)
        monkeypatch.setattr(listener, "stop", lambda: None)
    logs.start()
    for number in range(9):
        log.info("line %d", number)
    assert logs.dropped == 4 + 4
    logs.close()


def test_the_root_logger_is_left_as_it_was(file: Path) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with Logs(LogOptions(file=file, level="DEBUG"), lambda: PRACTICE_NOW, Redactor()):
        assert root.level == logging.DEBUG
    assert (root.level, list(root.handlers)) == before


def test_the_tail_gives_what_is_newer() -> None:
    tail = RingTail(kept=3)
    assert tail.lines(0) == ()
    for number in range(5):
        tail.add(number, "INFO", "x", f"line {number}")
    assert [line.seq for line in tail.lines(0)] == [3, 4, 5]
    assert [line.seq for line in tail.lines(3)] == [4, 5]
    assert tail.lines(5) == ()
    assert tail.lines(99) == ()


def test_a_crash_is_written_redacted_and_appended(tmp_path: Path) -> None:
    crash = tmp_path / "state" / "crash.log"
    for attempt in (1, 2):
        try:
            raise RuntimeError(f"boom {attempt} {CANARY}")
        except RuntimeError as error:
            write_crash(crash, error, Redactor([CANARY]), "tstream run")
    text = crash.read_text(encoding="utf-8")
    assert text.count("Traceback") == 2
    assert "boom 1" in text
    assert CANARY not in text
    assert stat.S_IMODE(crash.stat().st_mode) == 0o600
