"""A practice twin as a process of its own: what it is told, the ready line, and how it ends.

The protocol is the one of the built-in practice venue (adapters/simulator/process.py).
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec

from adapters.simulator.exchange.clock import PracticeClock
from adapters.simulator.exchange.store import StateError
from adapters.simulator.fault_plan.plan import FaultError
from adapters.simulator.process import EXIT_BAD_START, Ready, VenueStart
from adapters.simulator.twins.config import PRACTICE, TwinConfig, TwinLogin
from adapters.simulator.twins.faults import catalogue
from adapters.simulator.twins.twin import Twin
from adapters.simulator.twins.wire import TwinWire
from engine.model.errors import FatalError
from engine.model.instrument import Instrument
from engine.venue.fill_model import FillModel


class ServedTwin(Protocol):
    """A practice venue with a clock of its own, on loopback from `async with` on."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def practice_clock(self) -> PracticeClock: ...

    @property
    def port(self) -> int: ...

    def release(self, real_origin_ns: int) -> None:
        """Let practice time that is held go on at an instant of the real clock, nanoseconds."""

    async def failed(self) -> None:
        """Wait until it fails, and raise what made it."""

    def summary(self) -> str:
        """How each account stands, in words."""


async def serve(twin: ServedTwin, seed: int, model: FillModel, *, exit_with_parent: bool = False) -> str:
    """Run a twin until SIGTERM, SIGINT or SIGHUP (or until stdin closes, with `exit_with_parent`).

    Once it listens it writes `Ready` to stdout. With `exit_with_parent` a line on stdin with another
    real_origin_ns lets practice time that is held go on. Gives in words how each account ends.
    Raises OSError.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, stopped.set)
    async with twin:
        clock = twin.practice_clock
        ready = Ready(twin.port, clock.origin_ns, clock.real_origin_ns, clock.rate, seed, model)
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(twin.failed())]
        if exit_with_parent:
            waits.append(asyncio.create_task(_follow_parent(twin)))
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
        return twin.summary()


async def _follow_parent(twin: ServedTwin) -> None:
    """Do as stdin says until its end, which the parent holds open as long as it lives."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        twin.release(msgspec.json.decode(line, type=dict[str, int])["real_origin_ns"])


def main(start: VenueStart, wire: type[TwinWire], instruments: Sequence[Instrument]) -> int:
    """Run as the parent's first line has said, until the parent ends; gives the exit code."""
    beside = start.beside
    try:
        if start.tape is not None:
            raise FatalError(f"the practice venue {wire.NAME} plays no tapes")
        seed = TwinConfig(()).seed if beside is None else beside.seed
        faults = catalogue(wire.spoken())
        config = TwinConfig(
            instruments=tuple(instruments),
            port=start.port,
            seed=seed if start.seed is None else start.seed,
            rate=start.rate,
            speed=start.speed if beside is None else beside.rate,
            hold_s=start.hold_s,
            since_ns=start.since_ns,
            clock=start.clock,
            state=None if start.state is None else Path(start.state),
            logins=(TwinLogin(key=start.key, secret=start.key, passphrase=start.key),),
            faults=tuple(faults.parse(text) for text in start.faults),
        )
        twin = Twin(wire, config)
        asyncio.run(serve(twin, config.seed, config.model, exit_with_parent=True))
    except (StateError, FaultError, FatalError, OSError) as error:
        sys.stderr.write(f"{PRACTICE} venue {wire.NAME}: {error}\n")
        return EXIT_BAD_START
    return 0
