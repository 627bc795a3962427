"""Reads never write: however often people look, and at what, the run is the same to the byte."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core import Core
from engine.model import events as ev
from engine.model.config import PaperConfig
from engine.model.market import Timeframe
from engine.model.records import encode
from engine.model.view import HealthView
from engine.runtime.pictures import Pictures
from engine.runtime.view_builder import picture
from engine.state import snapshot
from tests.support.scripted_replay import ScriptedReplay, idea
from tests.torture.mishap_replay import MishapReplay, play
from tests.torture.mishaps import SCENES, Scene

HEALTH = HealthView(ok=True)


class Watched(MishapReplay):
    """A scene at which somebody looks, before and after every so many events, at the picture and a chart."""

    def __init__(self, scene: Scene, every: int) -> None:
        self._every = every
        self._heard = self.looks = 0
        self._pictures: Pictures | None = None
        super().__init__(scene)

    def _boot(self) -> Core:
        core = super()._boot()
        self._pictures = Pictures(core, lambda: HEALTH)
        return core

    def _step(self, event: ev.AnyEvent) -> None:
        self._heard += 1
        if self._heard % self._every:
            super()._step(event)
            return
        self._look()
        super()._step(event)
        self._look()

    def _look(self) -> None:
        """Nothing about the state changes, and what was kept of the picture before is as if made anew."""
        assert self._pictures is not None
        self.looks += 1
        before = snapshot.encode(self._core.state)
        self._pictures.renew()
        for timeframe in (Timeframe.M5, Timeframe.M3, Timeframe.H4):
            self._pictures.draw("MNQ", timeframe)
        view = self._pictures.view()
        assert view == replace(picture(self._core, 0, HEALTH), version=view.version)
        assert view.health is HEALTH, "it could be built"
        assert snapshot.encode(self._core.state) == before


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(SCENES, st.sampled_from([2, 7, 40]))
def test_f47_a_run_that_is_watched_is_the_same_as_one_that_is_not(scene: Scene, every: int) -> None:
    unseen, watched = play(scene), Watched(scene, every)
    watched.play()
    assert watched.looks > 0
    assert list(map(encode, watched.journal)) == list(map(encode, unseen.journal))
    assert snapshot.encode(watched._core.state) == snapshot.encode(unseen._core.state)


def test_f47_a_contract_and_a_book_that_never_traded_leave_no_trace_of_a_look() -> None:
    def script(replay: ScriptedReplay) -> Iterator[ev.Quote | ev.Print]:
        pictures: Pictures | None = None
        for event in replay.pass_time(70):
            yield event
            pictures = pictures or Pictures(replay.core, lambda: HEALTH)
            before = snapshot.encode(replay.core.state)
            pictures.renew()
            for instrument in replay.core.config.instruments:
                assert pictures.draw(instrument.symbol, Timeframe.M1).instrument == instrument.symbol
            assert pictures.view().health is HEALTH
            assert snapshot.encode(replay.core.state) == before
        assert replay.core.state.book("paper").position("MNQ").qty
        assert "MES" not in replay.core.state.book("paper").positions

    ScriptedReplay(script, [idea()], paper=PaperConfig())
