"""tstream replay: recordings in paced virtual time, with the journal of a headless run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from adapters.models.store import ModelStore
from adapters.store.hashing import run_hash
from engine.market.calendars.known import CME
from engine.model.commands import Pause
from engine.model.errors import RefusedError
from engine.model.events import Print
from engine.model.market import MINUTE, NANOS, Timeframe
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES, VERSION
from tests.models.workers import stump
from tests.support.patience import patient
from tstream.cli import call
from tstream.errors import UsageError
from tstream.options import RunOptions
from tstream.paths import Paths
from tstream.run.engine_thread import EngineThread
from tstream.run.first_picture import blank
from tstream.run.headless import in_words
from tstream.run.replaying import ReplayOptions, ReplayRun, source_of, with_contracts
from tstream.run.startup import prepare
from tstream.run.virtual import run_virtual
from tstream.settings.load import load

START = CME.session_bounds(date(2026, 3, 4))[0] + 930 * MINUTE
"""08:30 in Chicago."""


def ticks(file: Path, price: float, minutes: int = 20, start: int = START) -> Path:
    """A market of a trade a second that goes up and down."""
    rows = ["time,price,size\n"]
    for second in range(60 * minutes):
        ts, way = start + second * NANOS, abs(second % 240 - 120) // 4
        rows.append(f"{ts},{price + way * 0.25 + second % 3 * 0.25},{second % 5 + 1}\n")
    file.write_text("".join(rows), encoding="utf-8")
    return file


def run_of(places: Paths, options: ReplayOptions) -> ReplayRun:
    settings = load(places).settings
    source = source_of(options, places, settings)
    return ReplayRun(with_contracts(settings, source.instruments), source, options, places)


@contextmanager
def playing(run: ReplayRun) -> Iterator[EngineThread]:
    thread = EngineThread(lambda: run, blank(run.picture()))
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()
    assert (thread.refusal, thread.failure) == (None, None)


def wait(until: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + patient(30)
    while not until():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_its_journal_is_that_of_a_headless_run_at_any_pace(places: Paths, tmp_path: Path) -> None:
    tape = ticks(tmp_path / "es.csv", 5000)
    options = RunOptions(tape=tape, contract="ES", speed="max")
    run_virtual(prepare(None, options).settings, options, places)
    headless = run_hash(places.journal("virtual"))
    assert headless.records > 3
    hashes = []
    for speed in (None, 4000.0):
        run = run_of(places, ReplayOptions(tapes=(str(tape),), contracts=("ES",), speed=speed))
        with playing(run) as thread:
            wait(lambda: thread.view().replay == "ended", "the recording ends")
            assert thread.view().practice_time
            assert thread.view().ts >= START + 20 * MINUTE - NANOS
            chart = thread.chart("ES", Timeframe.M1)
            assert chart is None or len(chart.bars) >= 18
            with pytest.raises(RefusedError, match="the recording has ended"):
                thread.ask(Pause(id="late")).result(patient(10))
        hashes.append(run_hash(places.journal("replay")).hexdigest)
        assert run.summary is not None
    assert hashes == [headless.hexdigest] * 2


def test_a_model_is_asked_in_virtual_time_and_every_run_has_the_same_journal(
    places: Paths, tmp_path: Path
) -> None:
    """The recording is what it was trained on, which is said."""
    pytest.importorskip("lightgbm", reason="LightGBM is not installed: pip install 'tstream[models]'")
    tape, start = ticks(tmp_path / "es.csv", 5000, 60), START
    store = ModelStore(places.models, HASH, len(NAMES))
    card = ModelCard("stump", VERSION, HASH, timeframe=Timeframe.M1, trained_from=start, trained_to=start + 1)
    store.save(card, stump(len(NAMES)))
    store.promote("stump", "for this test", 1)
    (places.config / "tstream.toml").write_text('[opinion]\nuse = "watch"\nsample_minutes = 1\n')
    options = RunOptions(tape=tape, contract="ES", speed="max")
    hashes, reports = [], []
    for _ in range(2):
        summary = run_virtual(prepare(None, options).settings, options, places)
        hashes.append(run_hash(places.journal("virtual")).hexdigest)
        reports.append(summary.opinion)
    run = run_of(places, ReplayOptions(tapes=(str(tape),), contracts=("ES",), speed=None))
    with playing(run) as thread:
        wait(lambda: thread.view().replay == "ended", "the recording ends")
        wait(lambda: thread.view().ts >= START + 60 * MINUTE - NANOS, "the picture of the end")
        shown = thread.view().opinion
    assert run.summary is not None
    hashes.append(run_hash(places.journal("replay")).hexdigest)
    assert len(set(hashes)) == 1
    (told,) = {*reports, run.summary.opinion}
    assert told is not None
    assert told.model == "stump"
    assert told.asked > 5
    assert (told.missing, told.outcomes > 0) == (0, True)
    assert told.in_sample == "stump was trained on what is played here, 2026-03-04 to 2026-03-04"
    assert shown is not None
    assert shown.detail == f"IN-SAMPLE: {told.in_sample}"
    assert f"IN-SAMPLE      {told.in_sample}" in in_words(run.summary)


def test_several_contracts_play_together_and_time_goes_at_the_pace(places: Paths, tmp_path: Path) -> None:
    tapes = str(ticks(tmp_path / "es.csv", 5000)), str(ticks(tmp_path / "nq.csv", 20_000))
    chosen = ReplayOptions(tapes=tapes, contracts=("ES", "NQ"), speed=20.0, begins="08:45")
    with playing(run_of(places, chosen)) as thread:
        wait(lambda: thread.view().replay == "×20", "it plays")
        wait(lambda: thread.view().ts >= START + 15 * MINUTE, "what was before passes at once")
        began, at = time.monotonic(), thread.view().ts
        wait(lambda: thread.view().ts >= at + 20 * NANOS, "time goes on")
        passed = (thread.view().ts - at) / NANOS
        assert passed / 20 < time.monotonic() - began + 0.5, "but no faster than it should"
        assert [contract.instrument for contract in thread.view().contracts] == ["ES", "NQ"]
        assert all(contract.last is not None for contract in thread.view().contracts)
        answer = thread.ask(Pause(id="p")).result(patient(10))
        assert START + 15 * MINUTE <= answer.ts <= START + 20 * MINUTE
        wait(lambda: thread.view().restrictions, "entries are paused")


def test_a_recorded_day_of_this_installation_is_found_by_its_date(
    places: Paths, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evening = START + 505 * MINUTE  # five minutes before the next trade date
    for start in (START, START + 60 * MINUTE, evening):
        tape = ticks(tmp_path / "es.csv", 5000, 10, start)
        options = RunOptions(tape=tape, contract="ES", speed="max", record=True)
        run_virtual(prepare(None, options).settings, options, places)
    run = run_of(places, ReplayOptions(day=date(2026, 3, 4), speed=None))
    with playing(run) as thread:
        wait(lambda: thread.view().replay == "ended", "the recording ends")
        assert [contract.instrument for contract in thread.view().contracts] == ["ES"]
        assert thread.view().health.prints == 1500
    settings = load(places).settings
    next_day = source_of(ReplayOptions(day=date(2026, 3, 5)), places, settings)
    assert sum(isinstance(event, Print) for event in next_day.events()) == 300
    with pytest.raises(UsageError, match="nothing is recorded of 2026-03-06"):
        source_of(ReplayOptions(day=date(2026, 3, 6)), places, settings)
    assert call(["replay", "--date", "2026-3-4"]) == 2
    assert "is no date: write YYYY-MM-DD" in capsys.readouterr().err


def test_datasets_are_played_as_bars(places: Paths, tmp_path: Path) -> None:
    for name, price in (("ES", 5000), ("NQ", 20_000)):
        tape = ticks(tmp_path / f"{name}.csv", price)
        assert call(["data", "import", str(tape), "--symbol", name]) == 0
    run = run_of(places, ReplayOptions(tapes=("es-1m", "nq-1m"), speed=None))
    with playing(run) as thread:
        wait(lambda: thread.view().replay == "ended", "the recording ends")
        assert [contract.instrument for contract in thread.view().contracts] == ["ES", "NQ"]
        # A picture is made when somebody looks: the one with the end may come after the word of it.
        wait(lambda: thread.view().ts == START + 20 * MINUTE, "the picture of the last close")

        def whole() -> bool:
            chart = thread.chart("NQ", Timeframe.M1)
            return chart is not None and len(chart.bars) == 20

        wait(whole, "the chart of all bars")
    assert run.summary is not None
    assert run.summary.fills.startswith("at the next bar's open")
    with pytest.raises(UsageError, match="play one kind at a time"):
        run_of(places, ReplayOptions(tapes=("es-1m", str(tape)), contracts=("NQ",)))
    with pytest.raises(
        UsageError, match=r"nothing\.csv is neither a file nor a dataset; there are es-1m, nq-1m"
    ):
        run_of(places, ReplayOptions(tapes=("nothing.csv",), contracts=("ES",)))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "say what is to be played: TAPE, or --date DAY"),
        ({"tapes": 1}, "give --contract NAME"),
        ({"tapes": 2, "contracts": ("ES",)}, "give --contract for each of 2 tapes"),
        ({"tapes": 2, "contracts": ("ES", "ES")}, "two of the tapes hold the same contract"),
        ({"tapes": 1, "contracts": ("XX",)}, "unknown contract XX"),
        ({"tapes": 1, "contracts": ("ES",), "begins": "08:55"}, "the recording has no 08:55 Chicago time"),
    ],
)
def test_what_cannot_be_played_is_said(
    places: Paths, tmp_path: Path, options: dict[str, object], problem: str
) -> None:
    tape = ticks(tmp_path / "es.csv", 5000, 2)
    tapes = (str(tape),) * int(str(options.pop("tapes", 0)))
    with pytest.raises(UsageError, match=problem):
        run_of(places, ReplayOptions(tapes=tapes, **options))  # type: ignore[arg-type]
