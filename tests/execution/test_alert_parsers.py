"""Parsers of alert rooms are plug-ins: one that fails costs its message, and nothing else."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.core import Core
from engine.model import records as r
from engine.model.alerts import Grade, Reason, Verdict
from engine.model.config import EngineConfig
from engine.model.instrument import CME_FUTURES
from engine.model.market import Side
from engine.strategies.alerts.alert import Alert, Parser, Unread
from engine.strategies.alerts.rooms import RoomError
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.alert_room import ROOM, at_work, entries, message


class Fixed:
    """A parser that answers whatever a test wants, to everything."""

    name = "fixed"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def read(self, _text: str) -> Alert | Unread:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


def _core(parsers: dict[str, Parser]) -> Core:
    config = EngineConfig((CME_FUTURES["MNQ"],), "x", "t", 1, rooms=(replace(ROOM, parser="fixed"),))
    core = Core(config, ScriptedStrategy([]), parsers=parsers)
    core.start(T0)
    return core


def _taken(core: Core) -> r.AlertTaken:
    (taken,) = [record for record in core.step(message(T0))[0] if isinstance(record, r.AlertTaken)]
    return taken


def test_a_plug_in_reads_the_room_that_names_it() -> None:
    alert = Alert("NQ", Side.BUY, Decimal(20_000), Decimal(19_990), Grade.A)
    taken = _taken(_core({"fixed": Fixed(alert)}))
    assert (taken.verdict, taken.reason) == (Verdict.REFUSED, Reason.NO_BOOK)
    assert taken.terms is not None


@pytest.mark.parametrize(
    ("answer", "detail"),
    [(ValueError("secret"), "a fault in it, which the log has"), (None, "no answer"), ("buy!", "no answer")],
)
def test_a_plug_in_that_fails_is_told_of(answer: object, detail: str) -> None:
    core = _core({"fixed": Fixed(answer)})
    faults: list[Exception] = []
    core.turn.on_fault = faults.append
    taken = _taken(core)
    assert (taken.verdict, taken.reason, taken.detail) == (Verdict.UNREAD, Reason.PARSER_FAILED, detail)
    assert faults == ([answer] if isinstance(answer, Exception) else [])
    assert not core.state.restrictions, "entries go on"


def test_where_nobody_is_told_a_bug_raises() -> None:
    with pytest.raises(ValueError, match="secret"):
        _taken(_core({"fixed": Fixed(ValueError("secret"))}))


def test_prices_of_a_plug_in_are_looked_at_like_all_others() -> None:
    alert = Alert("NQ", Side.BUY, Decimal("NaN"), Decimal("Infinity"), Grade.A)
    assert _taken(_core({"fixed": Fixed(alert)})).reason is Reason.BAD_PRICE


def test_a_run_with_a_room_that_makes_no_sense_does_not_begin() -> None:
    with pytest.raises(RoomError, match="its parser fixed is not known"):
        _core({})


def test_a_second_edit_while_the_first_one_waits_replaces_it() -> None:
    bench, jm = at_work()
    text = "🚨 NQ long 20000: C\nStop: 19990"
    jm.post(text)
    (venue_id,) = bench.accept(*entries(bench))
    jm.edit(text.replace("19990", "19991"))
    jm.edit(text.replace("19990", "19992"))
    bench.end(venue_id)
    assert [(order.qty, order.stop_offset) for order in entries(bench)] == [(1, -41), (1, -33)]
    bench.wait(5)
    assert len(entries(bench)) == 2
