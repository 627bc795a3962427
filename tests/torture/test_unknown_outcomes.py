"""Whatever becomes of a request (lost, hanging, late, doubled, untold, filled slowly), of whatever kind, with
brackets of the venue's and our own, and with a restart in between: one table, on the virtual clock.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest

from engine.model import effects as fx
from engine.model.commands import Flatten
from engine.model.market import NANOS, Side
from engine.model.orders import OrderType
from tests.torture.mishap_replay import MishapReplay
from tests.torture.mishaps import Deed, Fate, Kind, Mishap, Mode, Move, Scene

MOVES = (Move(0, 2), Move(84, 4), Move(100, 60))
DEEDS = (Deed(10, Flatten(id="f", instrument="MNQ")),)
"""An entry, its first target, the runner's stop to break-even, and everything is closed."""

REQUESTS = {
    Mode.NATIVE: ("entry", "modify", "cancel", "close"),
    Mode.OWN: ("entry", "stop", "target", "modify", "cancel", "close"),
}
BECOMES = (
    (Kind.REQUEST, Fate.LOST, 0),
    (Kind.REQUEST, Fate.LATE, 1_200),
    (Kind.REQUEST, Fate.HUNG, 0),
    (Kind.REQUEST, Fate.HUNG_LATE, 3_000),
    (Kind.ANSWER, Fate.LATE, 1_200),
    (Kind.ANSWER, Fate.DOUBLED, 300),
    (Kind.ANSWER, Fate.FORGOTTEN, 0),
    (Kind.ANSWER, Fate.HUNG, 0),
)
RESTART_NS = NANOS


class ShortDay(MishapReplay):
    """The scene in a minute; the process may be killed a second after the mishap."""

    trading_ns, calm_ns, ending_ns = 20 * NANOS, 30 * NANOS, 15 * NANOS

    def __init__(self, scene: Scene, *, restarted: bool = False) -> None:
        self.sent: list[str] = []
        self._restarted = not restarted
        self._dies_at: int | None = None
        super().__init__(scene)

    def _send(self, effect: fx.AnyEffect) -> None:
        if not isinstance(effect, fx.TakeSnapshot) and self.storming:
            self.sent.append(kind(effect))
        super()._send(effect)

    def _next(self, of: Kind, request: fx.AnyEffect | None = None) -> Mishap | None:
        found = super()._next(of, request)
        if found is not None and not self._restarted:
            self._restarted, self._dies_at = True, self.now + RESTART_NS
        return found

    def _settle(self) -> None:
        if self._dies_at is not None and self.now >= self._dies_at:
            self._dies_at = None
            self._killed_by(Mishap(Kind.COMMIT, 0, Fate.KILLED_AFTER, 1_000))
        super()._settle()


def kind(effect: fx.AnyEffect) -> str:
    if isinstance(effect, fx.PlaceOrder):
        return "entry" if not effect.reduces else "stop" if effect.type is OrderType.STOP else "target"
    return {fx.ModifyOrder: "modify", fx.CancelOrder: "cancel", fx.ClosePosition: "close"}[type(effect)]


@cache
def order_of_requests(mode: Mode) -> tuple[str, ...]:
    """What is sent where all goes well."""
    well = ShortDay(Scene(mode, Side.BUY, 2, MOVES, (), DEEDS))
    well.play()
    return tuple(well.sent)


TABLE = [
    (mode, request, *becomes, restarted, portion_ms)
    for mode, requests in REQUESTS.items()
    for request, becomes, restarted in product(requests, BECOMES, (False, True))
    for portion_ms in ((0, 700) if request in ("entry", "close") and becomes[1] is Fate.HUNG else (0,))
]


@pytest.mark.parametrize(("mode", "request_", "of", "fate", "ms", "restarted", "portion_ms"), TABLE)
def test_whatever_becomes_of_a_request_the_position_is_known_protected_and_closed_once(
    mode: Mode, request_: str, of: Kind, fate: Fate, ms: int, restarted: bool, portion_ms: int
) -> None:
    """The invariants are looked at after every event; journal, venue, fills and money are compared at the
    end: no order is sent twice, no two closes work, and what is held has its stop.
    """
    nth = order_of_requests(mode).index(request_)
    scene = Scene(
        mode, Side.BUY, 2, MOVES, (Mishap(of, nth, fate, ms),), DEEDS, paper=restarted, portion_ms=portion_ms
    )
    day = ShortDay(scene, restarted=restarted)
    day.play()
    assert len(day.suffered) == 1
    assert day.boots == (2 if restarted else 1)
