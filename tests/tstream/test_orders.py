"""status, flatten, pause and resume, over a real control socket."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from decimal import Decimal
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from adapters.store.lock import InstanceLock, lock_name
from engine.model.chart import ChartView
from engine.model.commands import (
    BreakEven,
    CancelEntries,
    Command,
    Flatten,
    Halt,
    Pause,
    Resume,
    StartBot,
    StopBot,
)
from engine.model.flattening import still_open, what_flattening_does
from engine.model.instrument import CME_FUTURES
from engine.model.market import Timeframe
from engine.model.view import BotView, FlattenStep, FlattenView, View
from tests.tstream.running import Engine, serving
from tests.tui.charts import charts as charts_of
from tests.tui.fake import trading_view
from tstream.cli import call
from tstream.clock import wall_ns
from tstream.paths import Paths

Out = pytest.CaptureFixture[str]
Running = Callable[..., AbstractContextManager[Engine]]


@pytest.fixture
def running(places: Paths) -> Running:
    @contextmanager
    def run(view: View | None = None, *, stuck: bool = False) -> Iterator[Engine]:
        engine = Engine(trading_view() if view is None else view, stuck=stuck)
        with serving(engine, places.control_socket):
            yield engine

    return run


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Answers what a terminal's user would type."""

    def type_(text: str) -> None:
        keyboard = StringIO(text)
        monkeypatch.setattr(keyboard, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", keyboard)

    return type_


def instruments(view: View) -> set[str]:
    return {position.instrument for position in view.positions}


def test_without_an_engine_they_say_so(capsys: Out, places: Paths) -> None:
    for argv in (["status"], ["status", "--json"], ["pause"], ["resume", "MNQ"]):
        assert call(argv) == 1
        assert capsys.readouterr().err == (
            f"tstream: no engine is running at {places.control_socket}; start tstream first\n"
        )


def test_status_shows_the_picture(running: Running, capsys: Out) -> None:
    view = trading_view()
    with running(view):
        assert call(["status"]) == 0
    out = capsys.readouterr().out
    assert " PRACTICE " in out
    for contract in view.contracts:
        assert contract.name in out
    for position in view.positions:
        assert f"{position.entry}" in out
        assert f"{position.open_usd:+.2f}" in out


def test_status_as_json_is_the_whole_view(running: Running, capsys: Out) -> None:
    with running():
        assert call(["status", "--json"]) == 0
    out = capsys.readouterr().out
    view = msgspec.json.decode(out, type=View)
    assert replace(view, version=0) == replace(trading_view(), version=0)
    assert "charts" not in json.loads(out)


def test_status_as_json_with_charts_has_those_of_every_contract(running: Running, capsys: Out) -> None:
    with running():
        assert call(["status", "--json", "--charts"]) == 0
    out = capsys.readouterr().out
    view = msgspec.json.decode(out, type=View)
    assert replace(view, version=0) == replace(trading_view(), version=0)
    found = msgspec.convert(json.loads(out)["charts"], dict[str, dict[Timeframe, ChartView]])
    assert {symbol: set(charts) for symbol, charts in found.items()} == {
        contract.instrument: set(Timeframe) for contract in view.contracts
    }
    assert found["MNQ"][Timeframe.M5] == charts_of(CME_FUTURES["MNQ"])[Timeframe.M5]


def test_charts_go_with_json(capsys: Out) -> None:
    assert call(["status", "--charts"]) == 2
    assert capsys.readouterr().err == "tstream: --charts goes with --json\n"


def test_status_takes_foreign_text_as_data(running: Running, capsys: Out) -> None:
    view = trading_view()
    nasty = tuple(replace(book, account="[red]\x1b[2J[/nope]") for book in view.books)
    with running(replace(view, books=nasty)):
        assert call(["status"]) == 0
    out = capsys.readouterr().out
    assert "[red]\\x1b[2J[/nope]" in out
    assert "\x1b" not in out


def test_flatten_waits_until_it_is_flat(running: Running, capsys: Out) -> None:
    with running() as engine:
        assert call(["flatten", "--yes"]) == 0
        assert not still_open(engine.view(), None)
    (command,) = engine.sent
    assert isinstance(command, Flatten)
    assert (command.instrument, command.source) == (None, "cli")
    assert "everything is flat" in capsys.readouterr().out


def test_flatten_of_one_contract_leaves_the_others(running: Running) -> None:
    held = instruments(trading_view())
    assert len(held) > 1
    one = min(held)
    with running() as engine:
        assert call(["flatten", one.lower(), "-y"]) == 0
        assert instruments(engine.view()) == held - {one}


def test_flatten_says_what_is_still_open(running: Running, capsys: Out) -> None:
    with running(stuck=True):
        assert call(["flatten", "--yes", "--wait", "0.01"]) == 1
    assert "not flat after 0.01 s: " in capsys.readouterr().err


def test_flatten_need_not_wait(running: Running) -> None:
    with running(stuck=True):
        assert call(["flatten", "--yes", "--wait", "0"]) == 0


def test_flatten_asks_first_and_names_the_deed(
    running: Running, typed: Callable[[str], None], capsys: Out
) -> None:
    typed("n\n")
    with running() as engine:
        assert call(["flatten"]) == 1
    assert not engine.sent
    out, err = capsys.readouterr()
    assert f"PRACTICE: {what_flattening_does(trading_view(), None)}?" in out
    assert err == "tstream: nothing was done\n"


def test_flatten_does_it_on_yes(running: Running, typed: Callable[[str], None]) -> None:
    typed("y\n")
    with running() as engine:
        assert call(["flatten"]) == 0
    assert len(engine.sent) == 1


def test_flatten_when_flat_says_so_and_what_it_would_do(
    running: Running, typed: Callable[[str], None], capsys: Out
) -> None:
    flat = replace(trading_view(), positions=(), orders=())
    with running(flat):
        assert call(["flatten"]) == 2
        assert "this would pause entries (everything is flat: nothing to close" in capsys.readouterr().err
        typed("n\n")
        assert call(["flatten", "MNQ"]) == 1
    assert "PRACTICE: pause entries (MNQ is flat: nothing to close or cancel)?" in capsys.readouterr().out


def test_flatten_without_a_terminal_wants_yes(running: Running, capsys: Out) -> None:
    with running() as engine:
        assert call(["flatten"]) == 2
    assert not engine.sent
    assert "say --yes" in capsys.readouterr().err


def test_the_deed_in_words() -> None:
    view = trading_view()
    position = view.positions[0]
    one = replace(view, positions=(replace(position, instrument="MNQ", qty=2),), orders=view.orders[:1])
    scope = one.orders[0].instrument
    assert what_flattening_does(replace(one, orders=()), "MNQ") == "sell 2 MNQ at market, pause entries"
    assert what_flattening_does(replace(one, positions=()), scope) == "cancel 1 order, pause entries"
    short = replace(one, positions=(replace(one.positions[0], qty=-1),), orders=())
    assert what_flattening_does(short, None) == "buy 1 MNQ at market, pause entries"
    flat = "pause entries (GC is flat: nothing to close or cancel)"
    assert what_flattening_does(short, "GC") == flat
    unheard = replace(short, books=tuple(replace(book, reconciled=False) for book in short.books))
    assert "is flat" not in what_flattening_does(unheard, "GC"), "only the venue's word is flat"


def test_a_flatten_under_way_is_not_flat() -> None:
    view = trading_view()
    flat = replace(view, positions=(), orders=())
    assert still_open(flat, None) == []
    busy = replace(flat, contracts=(replace(flat.contracts[0], flattening=True), *flat.contracts[1:]))
    assert still_open(busy, flat.contracts[0].instrument) == ["flattening"]
    assert still_open(busy, flat.contracts[1].instrument) == []


def two_books() -> View:
    """The usual book, and beside it one that is flat."""
    view = trading_view()
    other = replace(view.books[0], book="apex-2", flatten=None)
    return replace(view, books=(view.books[0], other))


def test_a_scope_may_be_one_book() -> None:
    view = two_books()
    mine = view.books[0].book
    assert still_open(view, None, mine) == still_open(view, None)
    assert still_open(view, None, "apex-2") == []
    latch = FlattenView(("MNQ",), next(iter(FlattenStep)))
    busy = replace(view, books=(view.books[0], replace(view.books[1], flatten=latch)))
    assert still_open(busy, None, "apex-2") == still_open(busy, "MNQ", "apex-2") == ["flattening"]
    assert still_open(busy, "GC", "apex-2") == []
    words = "pause entries of apex-2 (MNQ of apex-2 is flat: nothing to close or cancel)"
    assert what_flattening_does(view, "MNQ", "apex-2") == words


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["flatten", "--yes", "--wait", "0"], Flatten),
        (["pause"], Pause),
        (["resume"], Resume),
        (["halt"], Halt),
        (["cancel"], CancelEntries),
        (["break-even", "MNQ"], BreakEven),
    ],
)
def test_each_command_may_mean_one_book(
    running: Running, capsys: Out, words: list[str], kind: type[Command]
) -> None:
    with running(two_books()) as engine:
        assert call([*words, "--book", "nobody"]) == 2
        assert "the engine has no book nobody; it has" in capsys.readouterr().err
        call([*words, "--book", "apex-2"])
    (command,) = engine.sent
    assert isinstance(command, kind)
    assert getattr(command, "book", None) == "apex-2"


def test_pause_and_its_answer(running: Running, capsys: Out) -> None:
    with running() as engine:
        assert call(["pause", "MNQ"]) == 0
        assert call(["pause"]) == 0
    assert [type(command) for command in engine.sent] == [Pause, Pause]
    assert capsys.readouterr().out == "MNQ paused \\x1b[2J\nall paused \\x1b[2J\n"


def test_a_refused_resume_fails(running: Running, capsys: Out) -> None:
    with running() as engine:
        assert call(["resume"]) == 1
    assert isinstance(engine.sent[0], Resume)
    assert capsys.readouterr().out == "locked by a risk limit\n"


def test_a_halt_and_the_resume_that_lifts_it_say_so(running: Running) -> None:
    with running() as engine:
        call(["halt", "MNQ"])
        call(["resume", "--halted"])
        call(["resume"])
    halt, *resumes = engine.sent
    assert isinstance(halt, Halt)
    assert halt.instrument == "MNQ"
    assert [(type(one), getattr(one, "halted", None)) for one in resumes] == [(Resume, True), (Resume, False)]


def test_a_contract_the_engine_does_not_trade(running: Running, capsys: Out) -> None:
    view = trading_view()
    with running(replace(view, contracts=view.contracts[:1])) as engine:
        for verb in (["flatten", "--yes"], ["pause"], ["resume"]):
            assert call([*verb, "GC"]) == 2
    assert not engine.sent
    assert "does not trade GC; it trades" in capsys.readouterr().err


def test_command_ids_differ(running: Running) -> None:
    with running() as engine:
        call(["pause"])
        call(["pause"])
    assert len({command.id for command in engine.sent}) == 2


def test_flatten_without_an_engine_refuses_before_it_starts_anything(capsys: Out, home: Path) -> None:
    assert call(["flatten"]) == 2
    assert "without an engine" in capsys.readouterr().err
    assert call(["flatten", "CL", "--yes"]) == 2
    assert "CL" in capsys.readouterr().err
    assert not (home / "data" / "practice" / "venue.db").exists()


def test_flatten_beside_a_process_that_does_not_answer_names_it_and_ends_nobody(
    capsys: Out, places: Paths
) -> None:
    path = places.runtime / lock_name("practice")
    with InstanceLock(path, "practice", wall_ns):
        assert call(["flatten", "--yes"]) == 1
        err = capsys.readouterr().err
        assert "is at work: its last sign of life" in err
        assert "SIGKILL" not in err
        os.utime(path, (0, 0))  # it has been silent for long
        assert call(["flatten", "--yes"]) == 1
        err = capsys.readouterr().err
        assert f"process id {os.getpid()}" in err
        assert "tstream flatten --takeover ends it with SIGKILL" in err
        # A process is not ended by itself.
        assert call(["flatten", "--yes", "--takeover"]) == 1
        assert "not known which process" in capsys.readouterr().err


def test_bots_are_listed_started_and_stopped(running: Running, capsys: Out) -> None:
    bots = (
        BotView("fast", "zones", "trade", open_plans=1, entries=2, wins=3, losses=1, net_usd=Decimal("81.5")),
        BotView("slow", "zones", "signals", out="took too long, 312 ms"),
    )
    with running(replace(trading_view(), bots=bots)) as engine:
        for argv in (["bots"], ["status"]):
            assert call(argv) == 0
            lines = [line.split() for line in capsys.readouterr().out.splitlines()]
            assert ["fast", "zones", "running", "1", "2", "+0.00", "4", "3", "+81.50"] in lines
            assert any(line[:3] == ["slow", "zones", "out:"] for line in lines)
        assert call(["bots", "stop", "fast"]) == 1
        assert call(["bots", "start", "slow"]) == 1
        assert [(type(one), getattr(one, "bot", "")) for one in engine.sent] == [
            (StopBot, "fast"),
            (StartBot, "slow"),
        ]
    with running():
        capsys.readouterr()
        assert call(["bots"]) == 0
        assert "one strategy trades everything" in capsys.readouterr().out
