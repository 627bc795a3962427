"""Words of trouble: what it is, what it means, what tstream does, what a person can do; and never the name of
an exception."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.model.alerts import Reason
from engine.model.errors import Cause
from engine.model.refusals import Refusal
from engine.model.troubles import TROUBLES, trouble_of
from engine.state import alarms
from tests.docs.pages import DOCS, ROOT, section, tables

NAME = re.compile(r"\b\w*[a-z](?:Error|Exception|Warning)\b|<class|Traceback")
ROOMS = ("engine", "adapters", "tui")
SEEN = {
    "adapters/notify/channels/apprise.py",  # the name of a thread
    "adapters/control/rest/openapi.py",  # names of types in a description
    "adapters/control/rest/routes.py",
    "adapters/control/attach_protocol.py",
    "adapters/kraken/asking.py",  # the kind of a record
    "adapters/kraken/v1_stream.py",
    "adapters/secrets/aws.py",  # stores of secrets are asked before there is a screen
    "adapters/secrets/desktop.py",
    "adapters/secrets/vault.py",
    "adapters/store/history/postgres.py",
}
"""What is named there is no fault that the screen shows."""


def _told(file: Path) -> Iterator[int]:
    """Lines that put the name of a type into words, other than for the log."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    logged = {
        id(inner)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)
        if getattr(call.func.value, "id", "") in ("log", "_log")
        for inner in ast.walk(call)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or node.attr != "__name__" or id(node) in logged:
            continue
        if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "type":
            yield node.lineno


def test_no_exception_is_told_by_its_name() -> None:
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    found = {str(file.relative_to(ROOT)): lines for file in files if (lines := list(_told(file)))}
    assert {file: lines for file, lines in found.items() if file not in SEEN} == {}


@pytest.mark.parametrize("words", [Refusal, Reason, Cause])
def test_reasons_are_words(words: type[Refusal | Reason | Cause]) -> None:
    for one in words:
        _is_words(getattr(one, "sentence", one.value))


def test_troubles_are_words() -> None:
    for trouble in TROUBLES.values():
        for text in (trouble.means, trouble.does, trouble.you):
            _is_words(text)


def _is_words(text: str) -> None:
    assert text
    assert not NAME.search(text)
    assert not text.endswith(".")


def test_every_alarm_that_the_engine_raises_says_what_it_means_and_what_to_do() -> None:
    raised = [
        alarms.JOURNAL,
        alarms.link("market"),
        alarms.lookup("a"),
        alarms.blocked("a"),
        alarms.naked("a", "MNQ"),
        alarms.flatten("a"),
        alarms.limits("a"),
        alarms.paused(None, None),
        "clock of the venue",
        "order ts-1",
        "brackets a",
        "late prices a",
        "watch component x",
    ]
    assert [name for name in raised if trouble_of(name) is None] == []
    assert {name.partition(" ")[0] for name in raised} == set(TROUBLES)
    assert trouble_of("") is None


def test_the_page_has_the_same_words() -> None:
    (table,) = tables(section(DOCS / "safety.md", "When an alarm is raised"))
    assert table == [[f"`{name}`", f"{t.means}.", t.does, f"{t.you}."] for name, t in TROUBLES.items()]
