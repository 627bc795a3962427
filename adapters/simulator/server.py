"""The practice venue as a process of its own: arguments, the ready line, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from adapters.simulator.config import DEFAULT_SEED, SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec
from adapters.simulator.exchange.store import StateError
from adapters.simulator.faults.help_text import help_text
from adapters.simulator.faults.plan import Fault, FaultError
from adapters.simulator.faults.plan import parse as parse_fault
from adapters.simulator.practice import PracticeVenue
from adapters.simulator.wire.signalr import HubTiming
from engine.model.errors import FatalError
from engine.ports import MarketSource

EXIT_BAD_START = 2
LEAD_S = 10.0
"""Practice time from a day's beginning to its first whole minute."""


class TapeChoice(NamedTuple):
    """A recorded market to play instead of the generated one."""

    path: Path
    contract: str
    """Symbol of the instrument: "ES"."""
    month: str | None = None
    """"201312": which of the recorded months; None takes the busiest."""
    stamp: str | None = None
    """Whether bars of a plain table are stamped by "open" or "close"."""


class RecordedMarket(MarketSource, Protocol):
    @property
    def month(self) -> str | None:
        """Contract month as in "201312"; None where the recording does not say."""


OpenTape = Callable[[TapeChoice], RecordedMarket]
"""Reads a recording; raises FatalError where it can't. Handed in: this room knows no formats of tapes."""


class Arguments(NamedTuple):
    config: SimulatorConfig
    tape: TapeChoice | None
    exit_with_parent: bool


async def serve(
    config: SimulatorConfig, tape: RecordedMarket | None = None, *, exit_with_parent: bool = False
) -> None:
    """Run the venue until SIGTERM or SIGINT (or until stdin closes, with `exit_with_parent`).

    Once it listens it writes one JSON line to stdout: port, origin_ns, real_origin_ns, rate (how fast
    practice time runs; with the two origins this is the PracticeClock), seed. Nothing else goes there. With
    `exit_with_parent` a line on stdin with another real_origin_ns lets practice time that is held go on.
    Raises StateError, OSError.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    month = None if tape is None else tape.month
    async with PracticeVenue(config, tape, month=month) as venue:
        clock = venue.practice_clock
        ready = {
            "port": venue.port,
            "origin_ns": clock.origin_ns,
            "real_origin_ns": clock.real_origin_ns,
            "rate": clock.rate,
            "seed": config.seed,
        }
        sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
        sys.stdout.flush()
        waits = [asyncio.create_task(stopped.wait()), asyncio.create_task(venue.failed())]
        if exit_with_parent:
            waits.append(asyncio.create_task(_follow_parent(venue)))
        done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            task.result()


async def _follow_parent(venue: PracticeVenue) -> None:
    """Do as stdin says until its end, which the parent holds open as long as it lives."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        venue.release(msgspec.json.decode(line, type=dict[str, int])["real_origin_ns"])


def parse(argv: Sequence[str]) -> Arguments:
    """What the command line asks for; ends the program where it makes no sense."""
    parser = argparse.ArgumentParser(
        prog="practice venue", description="A ProjectX venue on loopback, to practise on."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 takes any free port")
    add("--seed", type=int, default=DEFAULT_SEED, help="of the generated market")
    add("--rate", type=_positive, default=1.0, help="multiplies quotes and prints per second")
    add("--speed", type=_speed, default=1.0, help="how fast practice time runs, up to 20")
    add("--lead", type=float, default=LEAD_S, help="seconds before 08:25 at which a day begins")
    add("--hold", type=float, default=0.0, help="most real seconds that time waits for a word on stdin")
    add("--state", type=Path, help="file that keeps accounts and market between runs")
    add("--balance", type=_usd, default=Decimal(50_000), help="of a new account, USD")
    add("--daily-loss", type=_usd, help="daily loss limit that the venue enforces, USD")
    add("--max-loss", type=_usd, help="max loss limit that the venue enforces, USD")
    add("--fault", type=_fault, action="append", default=[], help="NAME[:key=value,...], repeatable")
    add("--list-faults", action="store_true", help="say what faults there are, and end")
    add("--split-every", type=int, default=0, help="cut each so many-th batch of records in two messages")
    add("--tape", type=Path, help="recorded market to play")
    add("--contract", help="what the tape holds: ES")
    add("--month", help="which month of the tape: 201312")
    add("--stamp", choices=("open", "close"), help="what the times of the tape's bars mean")
    add("--exit-with-parent", action="store_true", help="end when stdin closes")
    asked = parser.parse_args(argv)
    if asked.list_faults:
        sys.stdout.write(help_text())
        parser.exit()
    if asked.tape is not None and asked.contract is None:
        parser.error("--tape needs --contract")
    if asked.tape is None and (asked.contract or asked.month or asked.stamp):
        parser.error("--contract, --month and --stamp belong to --tape")
    tape = None
    if asked.tape is not None:
        tape = TapeChoice(asked.tape, asked.contract, asked.month, asked.stamp)
    config = SimulatorConfig(
        host=asked.host,
        port=asked.port,
        seed=asked.seed,
        rate=asked.rate,
        speed=asked.speed,
        lead_s=asked.lead,
        hold_s=asked.hold,
        state=asked.state,
        accounts=(account(asked.balance, asked.daily_loss, asked.max_loss),),
        faults=tuple(asked.fault),
        timing=HubTiming(split_every=asked.split_every),
    )
    return Arguments(config, tape, asked.exit_with_parent)


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


def main(argv: Sequence[str], open_tape: OpenTape) -> int:
    """Run as a program; gives its exit code."""
    config, choice, exit_with_parent = parse(argv)
    try:
        tape = open_tape(choice) if choice is not None else None
        asyncio.run(serve(config, tape, exit_with_parent=exit_with_parent))
    except (StateError, FatalError, OSError) as error:
        sys.stderr.write(f"practice venue: {error}\n")
        return EXIT_BAD_START
    return 0


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except FaultError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _usd(text: str) -> Decimal:
    return Decimal(str(_positive(text)))


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _speed(text: str) -> float:
    value = _positive(text)
    if value > 20:
        raise argparse.ArgumentTypeError(f"{text} is more than 20")
    return value
