"""A venue that says the same to the same for a whole day: it is asked ever more rarely and never given up,
and the journal does not fill up with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from engine.execution.trying_again import LONGEST_NS, SOON_NS
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import BreakEven, CancelEntries, Flatten
from engine.model.errors import Cause
from engine.model.events import Outcome
from engine.model.market import MINUTE, NANOS
from tests.support.manual_venue import STEP_NS, ManualVenue, connected, entered
from tests.support.venue_orders import PRICE

DAY_NS = 24 * 60 * MINUTE
MOST_TRIES = DAY_NS // LONGEST_NS + 20
MOST_RECORDS = 4 * MOST_TRIES + 40
"""An exit that is not sent has three: meant, sent, denied; and a close has one."""
Said = tuple[Outcome, Cause | None]
HABITS: dict[str, Said] = {
    "refused": (Outcome.REFUSED, Cause.OTHER),
    "gone": (Outcome.REFUSED, Cause.GONE),
    "unsent": (Outcome.UNSENT, None),
    "unknown": (Outcome.UNKNOWN, None),
    "taken": (Outcome.ACCEPTED, None),
}
"""What it says to each request, whatever is true; a request that it takes comes to nothing."""


class Stubborn:
    """A venue of one habit, and later one that does what it is asked."""

    def __init__(self, bench: ManualVenue, said: Said) -> None:
        self.bench, self.said = bench, said
        self._heard = len(bench.effects)
        self._unheard: list[fx.AnyEffect] = []

    def hear(self) -> None:
        while self._heard < len(self.bench.effects):
            self._heard += 1
            request = self.bench.effects[self._heard - 1]
            if not isinstance(request, fx.TakeSnapshot):
                known = isinstance(request, fx.PlaceOrder) and self.said[0] is Outcome.ACCEPTED
                self.bench.reply(request, self.said[0], self.bench.new_id() if known else None, self.said[1])

    def pass_time(self, ns: int, step_ns: int) -> None:
        end = self.bench.now + ns
        while self.bench.now < end:
            self.bench.now += step_ns
            self.bench.step(ev.TimeAdvanced(ts_recv=self.bench.now))
            self.hear()

    def be_good(self, seconds: int) -> None:
        """From now on it does what it is asked."""
        bench = self.bench
        end = bench.now + seconds * NANOS
        while bench.now < end and (bench.book.flattening or bench.standing()):
            bench.now += NANOS
            bench.step(ev.TimeAdvanced(ts_recv=bench.now))
            while self._heard < len(bench.effects):
                self._heard += 1
                match bench.effects[self._heard - 1]:
                    case fx.PlaceOrder() as order:
                        bench.accept(order, legs=False)
                    case fx.ModifyOrder() as change:
                        bench.answer(change, Outcome.ACCEPTED)
                    case fx.CancelOrder() as cancel if bench.orders[cancel.venue_id].status.live:
                        bench.end(cancel.venue_id)
                    case fx.ClosePosition() as close:
                        bench.reply(close, Outcome.ACCEPTED)
                        if bench.positions.get("MNQ"):
                            bench.close_all()
                    case _:
                        pass


def entry_to_cancel() -> ManualVenue:
    bench, order = connected()
    bench.accept(order)
    bench.say(CancelEntries(id="c"))
    return bench


def position_to_close() -> ManualVenue:
    bench, _ = entered()
    bench.say(Flatten(id="f", instrument="MNQ"))
    return bench


def stop_to_move() -> ManualVenue:
    bench, _ = entered()
    bench.trade(PRICE + 60)
    assert "1 stop(s)" in bench.say(BreakEven(id="b", instrument="MNQ"))
    return bench


def stop_to_place() -> ManualVenue:
    bench, ids = entered()
    bench.end(ids["SL"])
    return bench


def size_to_change() -> ManualVenue:
    bench, ids = entered()
    bench.tell_fill(bench.execute(ids["TP"], PRICE + 80, qty=2))
    bench.tell(ids["TP"])
    return bench


CASES: dict[Callable[[], ManualVenue], str] = {
    entry_to_cancel: "refused gone unsent taken",
    position_to_close: "refused unsent taken",
    stop_to_move: "refused unknown taken",
    stop_to_place: "refused unsent unknown taken",
    size_to_change: "refused taken",
}
"""What is to be done, and the habits that a loop of its own was found, or feared, for."""


@pytest.mark.parametrize(
    ("scene", "habit"),
    [
        pytest.param(scene, habit, id=f"{scene.__name__}-{habit}")
        for scene in CASES
        for habit in CASES[scene].split()
    ],
)
def test_what_a_venue_will_not_do_for_a_day_fills_no_journal_and_is_never_given_up(
    scene: Callable[[], ManualVenue], habit: str
) -> None:
    bench = scene()
    bench.invariants.protection_due = False  # it stands in nobody's power here
    venue = Stubborn(bench, HABITS[habit])
    venue.hear()
    venue.pass_time(10 * NANOS, STEP_NS)
    records, effects = len(bench.journal), len(bench.effects)
    venue.pass_time(DAY_NS, 3 * MINUTE)
    asked = Counter(type(one) for one in bench.effects[effects:] if not isinstance(one, fx.TakeSnapshot))
    assert max(asked.values(), default=0) <= 2 * MOST_TRIES, asked
    written = Counter((type(one).__name__, getattr(one, "event", "")) for one in bench.journal[records:])
    assert written.total() <= MOST_RECORDS, written
    # What is held at the end of the day is to be flat by then: the close is asked for to the last.
    held = bench.positions.get("MNQ", 0)
    wanted = fx.ClosePosition if held else fx.CancelOrder
    last = len(bench.effects)
    venue.pass_time(LONGEST_NS + 3 * MINUTE, MINUTE)
    if held or bench.standing():
        assert any(isinstance(one, wanted) for one in bench.effects[last:]), "it was given up"
    venue.be_good(int(LONGEST_NS // NANOS) + 30)
    assert (bench.positions.get("MNQ", 0), bench.standing(), bench.book.flattening) == (0, [], {})


@pytest.mark.parametrize(
    ("scene", "habit"),
    [
        (entry_to_cancel, "unsent"),
        (entry_to_cancel, "unknown"),
        (position_to_close, "unsent"),
        (stop_to_place, "unsent"),
    ],
)
def test_what_the_venue_has_not_heard_it_is_soon_asked_again(
    scene: Callable[[], ManualVenue], habit: str
) -> None:
    """The way to it may be there at any moment, and a close may wait for what is to be cancelled first."""
    bench = scene()
    bench.invariants.protection_due = False
    venue = Stubborn(bench, HABITS[habit])
    asked: list[int] = []
    venue.hear()
    for _ in range(120):
        before = len(bench.effects)
        venue.pass_time(NANOS, NANOS)
        if any(not isinstance(one, fx.TakeSnapshot) for one in bench.effects[before:]):
            asked.append(bench.now)
    assert len(asked) > 20
    assert max(later - sooner for sooner, later in pairwise(asked)) <= SOON_NS
