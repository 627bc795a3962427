"""The access log: what it holds, what it never holds, and what of it becomes news."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.common.redaction import REDACT
from adapters.control.access import AccessLog, Door, Visitor
from engine.model.commands import Pause, PlaceManual
from engine.model.market import Side
from engine.model.notices import Severity

WHO = Visitor(door=Door.API, origin="10.0.0.5", address="10.0.0.5:50122", name="grafana", role="read")


class Told(list[tuple[Severity, str]]):
    def __call__(self, severity: Severity, text: str) -> None:
        self.append((severity, text))


class Passing:
    """A monotone clock."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def passing() -> Passing:
    return Passing()


@pytest.fixture
def access(tmp_path: Path, told: Told, passing: Passing) -> Iterator[AccessLog]:
    with AccessLog(
        tmp_path / "access.log.jsonl", lambda: 1_792_000_000_123_000_000, told, now=passing
    ) as log:
        yield log


def lines(access: AccessLog) -> list[dict[str, Any]]:
    """What was written, once all of it is."""
    access.__exit__(None, None, None)
    return [json.loads(line) for line in access.file.read_text(encoding="utf-8").splitlines()]


def test_a_command_stands_there_whole_with_who_gave_it_and_what_came_of_it(access: AccessLog) -> None:
    order = PlaceManual(id="a", instrument="MNQ", side=Side.BUY, qty=2, stop=Decimal("21000.25"))
    access.commanded(WHO, order, "placed")
    (line,) = lines(access)
    assert (
        line.items()
        >= {
            "ts": "2026-10-14T17:46:40.123Z",
            "event": "commanded",
            "door": "api",
            "address": "10.0.0.5:50122",
            "name": "grafana",
            "role": "read",
            "detail": "placed",
        }.items()
    )
    assert (line["what"]["command"], line["what"]["stop"], line["what"]["qty"]) == (
        "place_manual",
        "21000.25",
        2,
    )
    assert stat.S_IMODE(access.file.stat().st_mode) == 0o600


def test_no_secret_and_no_control_character_gets_in(access: AccessLog) -> None:
    REDACT.add("s3cret-word")
    access.refused(WHO, "GET /x?token=abcdefgh", "s3cret-word \x1b[2J" + "x" * 9_000)
    access.commanded(WHO, Pause(id="s3cret-word", source="\x1b]0;x\x07"), "done")
    text = json.dumps(lines(access))
    assert "s3cret-word" not in text
    assert "abcdefgh" not in text
    assert "\\u001b" not in text
    assert len(text) < 3_000


def test_files_are_put_aside_and_the_oldest_go(tmp_path: Path) -> None:
    with AccessLog(tmp_path / "a.jsonl", lambda: 0, max_bytes=2_000, keep=2) as access:
        for number in range(200):
            access.called(WHO, f"GET /{number}")
    assert sorted(file.name for file in tmp_path.glob("a.jsonl*")) == ["a.jsonl", "a.jsonl.1", "a.jsonl.2"]
    assert all(file.stat().st_size <= 2_000 for file in tmp_path.glob("a.jsonl*"))
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in tmp_path.glob("a.jsonl*"))


def test_a_client_is_new_once_also_over_restarts(tmp_path: Path, told: Told) -> None:
    for _ in range(2):
        with AccessLog(tmp_path / "a.jsonl", lambda: 0, told) as access:
            access.attached(WHO)
            access.called(WHO, "GET /positions")
    assert [text for _, text in told] == [
        "a client that was never here before came by the api: grafana from 10.0.0.5"
    ]


def test_a_flood_of_news_is_told_once_and_counted(access: AccessLog, told: Told, passing: Passing) -> None:
    for _ in range(500):
        access.news("wrong token 10.0.0.5", Severity.WARNING, "a wrong token from 10.0.0.5", WHO)
    assert told == [(Severity.WARNING, "a wrong token from 10.0.0.5")]
    passing.now += 61
    access.news("wrong token 10.0.0.5", Severity.WARNING, "a wrong token from 10.0.0.5", WHO)
    assert told[1:] == [(Severity.WARNING, "a wrong token from 10.0.0.5 (499 more since it was told last)")]
    for number in range(500):  # each from another place
        access.news(f"wrong token {number}", Severity.WARNING, "a wrong token")
    assert len(told) < 10
    assert len(lines(access)) == 1_001


def test_a_disk_that_can_t_be_written_holds_nobody_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with AccessLog(tmp_path / "log", lambda: 0) as access:
        for _ in range(3):
            access.called(WHO, "GET /")
    assert not (tmp_path / "elsewhere").exists()
    assert len([one for one in caplog.records if "access log" in one.message]) == 1
