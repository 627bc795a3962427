"""What a training reads of a recording of a run."""

from __future__ import annotations

from math import isnan
from pathlib import Path

from adapters.tapes.recorder import TapeRecorder
from adapters.tapes.several import open_recordings
from engine.lab.training.rules import TrainingRules
from engine.model import events as ev
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Timeframe
from engine.model.opinion import Barriers
from engine.signals.features import NAMES
from tests.support.books import MORNING
from tstream.lab.gathering import gather

ES = CME_FUTURES["ES"]
HEARD = MORNING + 50 * MINUTE + 30 * NANOS


def recording(folder: Path) -> Path:
    """Ninety minutes of ES, and what a source said of it, of everything, and of another contract."""
    events: list[ev.AnyEvent] = [
        ev.ContractResolved(ts_recv=MORNING, instrument=ES, contract_id="c", name="ESZ6"),
        *(
            ev.Print(ts_recv=ts, ts_venue=ts, instrument="ES", price=20_000 + n % 37 - n % 11, size=1)
            for n in range(540)
            for ts in (MORNING + n * 10 * NANOS,)
        ),
    ]
    # Written long before it was heard: until then it was not known.
    for instrument, score in (("ES", 0.5), ("", -0.25), ("GC", 1.0)):
        told = ev.MoodTold(
            ts_recv=HEARD, ts_venue=HEARD - 40 * MINUTE, source="news", instrument=instrument, score=score
        )
        events.append(told)
    tape = TapeRecorder(folder, (ES,), lambda: MORNING)
    try:
        for event in sorted(events, key=lambda one: one.ts_recv):
            tape.record(event)
    finally:
        tape.close()
    return tape.path


def test_mood_is_learned_from_a_recording_as_it_was_heard(tmp_path: Path) -> None:
    rules = TrainingRules(timeframe=Timeframe.M1, barriers=Barriers(bars=5))
    found = gather([], rules, None, recorded=open_recordings([recording(tmp_path)])).examples
    place = NAMES.index("mood")
    moods = {one.label.ts: abs(found.features[n * len(NAMES) + place]) for n, one in enumerate(found.listed)}
    before = [mood for ts, mood in moods.items() if ts <= HEARD]
    after = [mood for ts, mood in moods.items() if ts > HEARD + MINUTE]
    assert len(before) > 5
    assert all(isnan(mood) for mood in before)
    assert len(after) > 5
    assert all(abs(mood - 0.125) < 0.01 for mood in after), (
        "that of ES and that of everything, from each side"
    )
