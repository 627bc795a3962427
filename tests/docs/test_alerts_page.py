"""docs/alerts.md lists every reason with its own sentence, and its examples are what it says they are."""

from __future__ import annotations

import re

import pytest

from engine.model.alerts import Reason, Verdict
from engine.model.market import NANOS
from engine.model.rooms import AlertRoom
from engine.strategies.alerts.alert import Alert
from engine.strategies.alerts.rooms import STRICT, VARIANTS
from tests.docs.pages import DOCS, section, tables

PAGE = DOCS / "alerts.md"


def test_every_reason_is_listed_in_order_with_its_sentence_and_a_remedy() -> None:
    (table,) = tables(section(PAGE, "Reasons"))
    assert [row[:2] for row in table] == [[f"`{reason}`", reason.sentence] for reason in Reason]
    assert all(row[2] for row in table)


def test_what_goes_wrong_at_discord_is_listed_in_the_words_of_the_code() -> None:
    *_, table = tables(section(PAGE, "Setting it up"))
    code = " ".join(
        " ".join(path.read_text(encoding="utf-8").split()).replace('" "', "")
        for path in (DOCS.parent / "adapters" / "discord").glob("*.py")
    )
    assert len(table) > 10
    for says, *rest in table:
        for words in says.split(" … "):
            assert words in code or says.startswith("live")
        assert all(rest), says


def test_every_verdict_is_listed() -> None:
    *_, table = tables(section(PAGE, "Edits and deletions"))
    assert [row[0] for row in table] == [f"`{verdict}`" for verdict in Verdict]


@pytest.mark.parametrize("number", range(3))
def test_the_examples_are_alerts(number: int) -> None:
    shown = re.findall(r"^```\n(.*?)^```$", section(PAGE, "How a text is read"), re.MULTILINE | re.DOTALL)
    assert len(shown) == 3
    assert isinstance(VARIANTS.read(shown[number]), Alert)
    assert isinstance(STRICT.read(shown[number]), Alert) is (number == 0)


def test_numbers_of_the_page_are_the_rooms_defaults() -> None:
    room, page = AlertRoom("x", {}), PAGE.read_text(encoding="utf-8")
    for key, value in (
        ("stop_nearest_points", room.stop_nearest),
        ("stop_farthest_points", room.stop_farthest),
        ("entry_distance_points", room.entry_distance),
        ("price_age_seconds", room.price_age_ns // NANOS),
        ("max_age_seconds", room.max_age_ns // NANOS),
        ("repeat_seconds", room.repeat_ns // NANOS),
    ):
        assert f"`{key}` ({value})" in page
    assert f"`targets_points` ({room.targets[0]} and {room.targets[1]})" in page
