"""What the practice venue's process and its parent tell each other: a line of JSON each."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from adapters.simulator.exchange.clock import PracticeClock
from engine.venue.fill_model import FillModel

EXIT_BAD_START = 2
"""Of a process that can't do what its parent has told it."""


class TapeChoice(NamedTuple):
    """A recorded market to play instead of the generated one."""

    path: str
    contract: str
    """Symbol of the instrument: "ES"."""
    month: str | None = None
    """"201312": which of the recorded months; None takes the busiest."""
    stamp: str | None = None
    """Whether bars of a plain table are stamped by "open" or "close"."""
    symbol: str | None = None
    """Which of the contracts that a table names."""
    zone: str | None = None
    """Of a table's times that tell none: "America/Chicago"."""


class Ready(Struct, frozen=True):
    """The first line on its stdout, once it listens; with it both ends share one clock."""

    port: int
    origin_ns: int
    real_origin_ns: int
    rate: float
    """How fast practice time runs."""
    seed: int
    model: FillModel = FillModel()
    """How it fills orders."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def clock(self) -> PracticeClock:
        return PracticeClock(self.origin_ns, self.real_origin_ns, self.rate)


class VenueStart(Struct, frozen=True, omit_defaults=True):
    """The first line on the venue's stdin: what of `SimulatorConfig` is asked for, and what is played."""

    seed: int | None = None
    """None takes the default's."""
    rate: float = 1.0
    speed: float = 1.0
    hold_s: float = 0.0
    state: str | None = None
    faults: tuple[str, ...] = ()
    """NAME[:key=value,...] each."""
    tape: TapeChoice | None = None
    key: str = "practice"
    """What logs in. It comes here and not among the arguments, which everybody on the machine can read."""
    port: int = 0
    since_ns: int = 0
    """Of a venue that is started again while its engine runs on: practice time goes on from here."""
    accounts: int = 1
    """How many the login has."""
    kind: str = "practice"
    """Whose practice venue it is (docs/adding-a-venue.md#a-twin)."""
    beside: Ready | None = None
    """What another practice venue on this machine, or this one before it ended, has said: its time and its
    rate are this one's too, and its seed where none is given. See `SimulatorConfig.clock`."""

    @property
    def clock(self) -> PracticeClock | None:
        return None if self.beside is None else self.beside.clock


class EngineClockSet(Struct, frozen=True):
    """Any further line: a fault sets the clock of the engine's machine, by nanoseconds."""

    engine_clock_ns: int
