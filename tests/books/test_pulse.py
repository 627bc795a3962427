"""Time is asked for, not polled: what a look at every tenth of a second would catch comes no later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings

from engine.books.pulse import BUSY_NS, Pulse
from engine.core import Outcome
from engine.model import records as r
from engine.model.market import NANOS
from tests.torture.mishap_replay import MishapReplay
from tests.torture.mishaps import SCENES, Scene

LATER_NS = NANOS
"""A look once a second is what this replaces."""

_NOTES = (r.ExcursionNoted, r.EquityNoted, r.BalanceMarked)
"""Written at the moment of the look: their figures differ with it."""


_LOOKS = ("TakeSnapshot", "Reconciled ")
"""One look at the venue waits for the one before."""


@contextmanager
def polled() -> Iterator[None]:
    """Every book is looked at ten times a second, whatever it says is due."""
    asked = Pulse.beat

    def beat(pulse: Pulse) -> None:
        asked(pulse)
        pulse.due = min(pulse.due, pulse._turn.now + BUSY_NS)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pulse, "beat", beat)
        yield


class Told(MishapReplay):
    """Writes down when what was written down or asked for, without the figures that go with the moment."""

    def __init__(self, scene: Scene) -> None:
        self.told: list[tuple[str, int]] = []
        super().__init__(scene)

    def _take(self, outcome: Outcome) -> None:
        for record in outcome[0]:
            if not isinstance(record, _NOTES):
                what = f"{type(record).__name__} {getattr(record, 'event', '')}"
                self.told.append((what, record.ts))
        self.told += [(type(effect).__name__, self.now) for effect in outcome[1]]
        super()._take(outcome)


def told(scene: Scene) -> list[tuple[str, int]]:
    played = Told(scene)
    played.play()
    return played.told


def no_later(scene: Scene) -> int:
    """How many records both ways of running have in common, from the beginning."""
    asked = told(scene)
    with polled():
        looked = told(scene)
    for n, ((one, ts), (other, looked_ts)) in enumerate(zip(asked, looked, strict=False)):
        if one != other:
            return n
        allowed = LATER_NS * (2 if one in _LOOKS else 1)
        assert ts <= looked_ts + allowed, f"{one} comes {(ts - looked_ts) / NANOS:.1f} s later"
    assert len(asked) == len(looked)
    return len(asked)


@settings(max_examples=14)
@given(SCENES)
def test_nothing_comes_later_where_all_goes_well(scene: Scene) -> None:
    no_later(scene._replace(mishaps=()))


@settings(max_examples=20)
@given(SCENES)
def test_nothing_comes_later_where_things_go_wrong(scene: Scene) -> None:
    no_later(scene)
