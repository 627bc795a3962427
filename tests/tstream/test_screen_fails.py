"""F36: the screen may fail; the engine, which has the positions, goes on until a person ends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import nullcontext

import pytest
from msgspec.structs import replace
from textual.app import App

from engine.model.questions import Question, Reply
from engine.model.view import View
from tests.tstream.conftest import Reading
from tests.tui.fake import trading_view
from tests.tui.fake_engine import FakeEngine
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.cockpit import Cockpit, last_lines
from tstream.run.first_picture import picture_of
from tstream.run.reopening import run_app
from tui.app import TStreamApp
from tui.base_app import ExitReason

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Engine:
    """Notes how it is treated; the person's SIGTERM comes while it is waited for the third time."""

    failure = refusal = None

    def __init__(self) -> None:
        self.calls: list[str] = []

    def view(self) -> View:
        return trading_view()

    def look_up(self, _question: Question) -> Future[Reply]:
        return Future()

    def start(self) -> None:
        self.calls.append("start")

    def wait(self, _seconds: float) -> bool:
        self.calls.append("wait")
        if self.calls.count("wait") == 3:
            signal.raise_signal(signal.SIGTERM)
        return False

    def stop(self) -> None:
        self.calls.append("stop")


@pytest.mark.parametrize(
    ("crash", "calls"), [(True, ["start", *["wait"] * 3, "stop"]), (False, ["start", "stop"])]
)
def test_f36_a_screen_that_fails_leaves_the_engine_running_until_it_is_told_to_end(
    crash: bool,
    calls: list[str],
    reading: Reading,
    places: Paths,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(app: TStreamApp) -> ExitReason | None:
        if not engine.calls:
            engine.start()
        if not crash:
            app.reason = ExitReason.QUIT
            return app.reason
        app.crash, app.reason = RuntimeError("no picture"), ExitReason.CRASHED
        return None

    engine = Engine()
    monkeypatch.setattr(TStreamApp, "run", run)
    monkeypatch.setattr("tstream.run.cockpit.EngineThread", lambda *_: engine)
    assert Cockpit(None, RunOptions(), places).show(picture_of(reading().settings, "practice")) == 0
    assert engine.calls == calls
    assert ("The engine goes on" in capsys.readouterr().err) is crash
    assert places.crash_log.exists() is crash


def test_an_error_beside_the_screen_stops_the_engine(
    reading: Reading, places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody could stop it any more: the process would stay for as long as its thread."""

    def run(_app: TStreamApp) -> None:
        engine.start()
        raise RuntimeError("no terminal")

    engine = Engine()
    monkeypatch.setattr(TStreamApp, "run", run)
    monkeypatch.setattr("tstream.run.cockpit.EngineThread", lambda *_: engine)
    with pytest.raises(RuntimeError, match="no terminal"):
        Cockpit(None, RunOptions(), places).show(picture_of(reading().settings, "practice"))
    assert engine.calls == ["start", "stop"]


@pytest.mark.parametrize("ends", [None, RuntimeError("a flaw")], ids=["well", "by an error"])
def test_a_screen_leaves_the_signals_as_they_were(
    ends: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Textual's driver would do at a SIGCONT belongs to a screen that is gone."""

    def run(_app: App[object]) -> None:
        for number in (signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, lambda *_: None)
        if ends is not None:
            raise ends

    monkeypatch.setattr(App, "run", run)
    before = [signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)]
    engine = FakeEngine(trading_view())
    with nullcontext() if ends is None else pytest.raises(RuntimeError, match="a flaw"):
        TStreamApp(engine, engine).run()
    assert [signal.getsignal(number) for number in (signal.SIGTSTP, signal.SIGCONT)] == before


@pytest.mark.parametrize(
    ("ends", "shown", "failed"),
    [
        ([None], 1, 0),
        ([5, None], 2, 1),
        ([5, 59], 2, 2),
        ([5, 61, None], 3, 2),
        ([5, 61, 60, 10], 4, 4),
    ],
    ids=["none fails", "one fails", "two soon after another", "two a while apart", "again and again"],
)
def test_a_screen_that_fails_is_opened_anew_unless_that_does_not_help(
    ends: list[float | None], shown: int, failed: int
) -> None:
    class Shown:
        crash: Exception | None = None

        def run(self) -> None:
            after = ends[len(apps) - 1]
            if after is not None:
                times.append(times[-1] + after)
                self.crash = RuntimeError("no picture")

    times = [100.0]
    apps: list[Shown] = []
    notes: list[str] = []
    errors: list[Exception] = []

    def make(note: str) -> Shown:
        notes.append(note)
        apps.append(Shown())
        return apps[-1]

    last: object = run_app(make, errors.append, lambda: times[-1])  # type: ignore[arg-type]
    assert (len(apps), len(errors)) == (shown, failed)
    assert last is apps[-1]
    assert notes[0] == ""
    assert all("opened anew" in note for note in notes[1:])


def test_the_shells_last_line_says_what_is_held_and_its_stops() -> None:
    view = trading_view()
    (first, *_) = view.positions
    book = next(book for book in view.books if book.book == first.book)
    naked = replace(first, stop=None, protected_qty=0)
    part = replace(first, protected_qty=1)
    lines = {
        "held": last_lines(replace(view, books=(book,), positions=(first,))),
        "naked": last_lines(replace(view, books=(book,), positions=(naked,))),
        "part": last_lines(replace(view, books=(book,), positions=(part,))),
        "flat": last_lines(replace(view, books=(book,), positions=())),
        "unheard": last_lines(replace(view, books=(replace(book, reconciled=False),), positions=())),
    }
    start = f"{book.book}: day {book.day_usd:+.2f} USD, "
    name = f"{first.instrument} {first.qty:+d}"
    assert lines == {
        "held": [f"{start}{name} (stop {first.stop})"],
        "naked": [f"{start}{name} (NO STOP)"],
        "part": [f"{start}{name} (stop {first.stop} for 1)"],
        "flat": [f"{start}flat"],
        "unheard": [f"{start}nothing known to be open, which the venue has not confirmed"],
    }
