"""The practice venue as a process of its own: what it is told, the ready line, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import structs

from adapters.simulator.config import DEFAULT_SEED, SimulatorConfig
from adapters.simulator.exchange.account import PracticeAccount
from adapters.simulator.exchange.config import MOST_ACCOUNTS, AccountSpec, accounts_of_a_login
from adapters.simulator.exchange.store import StateError
from adapters.simulator.fault_plan.plan import FaultError
from adapters.simulator.faults.catalogue import parse
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.process import EXIT_BAD_START, EngineClockSet, Ready, TapeChoice, VenueStart
from engine.model.errors import FatalError
from engine.ports import MarketSource


class RecordedMarket(MarketSource, Protocol):
    @property
    def bar_ns(self) -> int:
        """Length of the bars that its prints are made up from, nanoseconds; 0 where they are real."""

    @property
    def month(self) -> str | None:
        """Contract month as in "201312"; None where the recording does not say."""


OpenTape = Callable[[TapeChoice], RecordedMarket]
"""Reads a recording; raises FatalError where it can't. Handed in: this room knows no formats of tapes."""


async def serve(
    config: SimulatorConfig, tape: RecordedMarket | None = None, *, exit_with_parent: bool = False
) -> str:
    """Run the venue until SIGTERM, SIGINT or SIGHUP (or until stdin closes, with `exit_with_parent`).

    Once it listens it writes `Ready` to stdout, then only what a fault does to the engine's clock. With
    `exit_with_parent` a line on stdin with another real_origin_ns lets practice time that is held go on.
    Gives in words how each account ends.
    Raises StateError, OSError.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            loop.add_signal_handler(number, stopped.set)
    month = None if tape is None else tape.month
    if tape is not None:
        config = structs.replace(config, model=structs.replace(config.model, bar_ns=tape.bar_ns))
    async with PracticeVenue(config, tape, month=month) as venue:
        clock = venue.practice_clock
        origins = clock.origin_ns, clock.real_origin_ns
        _say(Ready(venue.port, *origins, clock.rate, config.seed, config.model))
        venue.controls.on_engine_clock = lambda nanos: _say(EngineClockSet(nanos))
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(venue.failed())]
        if exit_with_parent:
            waits.append(asyncio.create_task(_follow_parent(venue)))
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()
        return "; ".join(map(_summary, venue.exchange.accounts.values()))


def _summary(account: PracticeAccount) -> str:
    held = (f"{name} {row.qty:+d}" for name, row in account.holdings.positions.items() if row.qty)
    balance = account.holdings.balance_usd
    return f"{account.spec.name}: balance {balance:.2f} USD, {', '.join(held) or 'flat'}"


def _say(line: Ready | EngineClockSet) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


async def _follow_parent(venue: PracticeVenue) -> None:
    """Do as stdin says until its end, which the parent holds open as long as it lives."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        venue.release(msgspec.json.decode(line, type=dict[str, int])["real_origin_ns"])


def account(
    balance_usd: Decimal, daily_loss_usd: Decimal | None = None, max_loss_usd: Decimal | None = None
) -> AccountSpec:
    """A practice account; five minis per 50,000 USD, as the platform's plans have. None is no limit."""
    return AccountSpec(
        balance_usd=balance_usd,
        max_minis=max(1, int(balance_usd // 10_000)),
        daily_loss_usd=daily_loss_usd,
        max_loss_usd=max_loss_usd,
    )


def main(start: VenueStart, open_tape: OpenTape) -> int:
    """Run as its parent's first line has said, until the parent ends; gives the exit code."""
    try:
        beside = start.beside
        seed = DEFAULT_SEED if beside is None else beside.seed
        config = SimulatorConfig(
            seed=seed if start.seed is None else start.seed,
            rate=start.rate,
            speed=start.speed if beside is None else beside.rate,
            clock=start.clock,
            accounts=accounts_of_a_login(min(start.accounts, MOST_ACCOUNTS)),
            hold_s=start.hold_s,
            key=start.key,
            port=start.port,
            since_ns=start.since_ns,
            state=None if start.state is None else Path(start.state),
            faults=tuple(parse(text) for text in start.faults),
        )
        tape = open_tape(start.tape) if start.tape is not None else None
        asyncio.run(serve(config, tape, exit_with_parent=True))
    except (StateError, FaultError, FatalError, OSError) as error:
        sys.stderr.write(f"practice venue: {error}\n")
        return EXIT_BAD_START
    return 0
