"""The process that is killed: the engine as tstream wires it, a strategy that never rests, and one trap.

`python -m tests.torture.child ORDERS` takes its orders as JSON and a person's commands on stdin, one a line;
on stdout it says when the venue's truth is known and durable.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
from msgspec import Struct

from adapters.common.secret import Secret
from adapters.projectx.config import ProjectXConfig, RateLimits, WantedAccount
from adapters.projectx.venue import ProjectXVenue
from adapters.simulator.market.hours import market_open
from bench.leaps import LeapingClock
from engine.books.opening import PAPER
from engine.core import Core
from engine.market.bars import BarsClosed
from engine.model.commands import AnyCommand, Flatten, Resume, Shutdown
from engine.model.config import BookConfig, Brackets, EngineConfig, PaperConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import NANOS, Side, Timeframe
from engine.model.plans import Idea
from engine.runtime.engine import Engine
from engine.runtime.recovery import restore
from engine.signals.board import SignalBoard
from engine.strategies.protocol import Declined
from tests.projectx.conftest import QUICK
from tests.torture.kill_points import KillPoint, TrappedBroker, TrappedJournal, die

BOOK = "torture"
MNQ = CME_FUTURES["MNQ"]
STOP_TICKS, TARGET_TICKS = 40, (80, 160)
LIMITS = RiskLimits(
    daily_loss_usd=Decimal(1_000_000),
    max_trades=1_000_000,
    account_preset="none",
    reduce_on_unknown_days=False,  # its days are in a year whose holidays nobody knows
)
VERIFIED = "verified"
BUG = 70
"""Exit status of a run that found a bug."""
_RECONCILED = b'"record":"reconciled"'
_BOOK = b'"book":"torture"'
_SAID: dict[str, AnyCommand] = {
    "flatten": Flatten(id="f"),
    "resume": Resume(id="r"),
    "shutdown": Shutdown(id="s"),
}


class Orders(Struct, frozen=True):
    """What one run of the child is to do."""

    url: str
    journal: str
    clock: str
    seed: int
    point: str
    nth: int
    brackets: Brackets = Brackets.AUTO


class Restless:
    """Has an idea with every minute that closes; its seed decides the sides."""

    name = "restless"

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Idea | Declined]:
        closes = [bar.close for bar in closed.bars if bar.timeframe is Timeframe.M1]
        if not closes:
            return ()
        side = random.Random(f"{self._seed}:{closed.ts}").choice(list(Side))
        stop, *targets = (closes[0] + side.sign * ticks for ticks in (-STOP_TICKS, *TARGET_TICKS))
        return [Idea(self.name, "MNQ", side, closes[0], stop, tuple(targets), 80, ("seeded",), closed.ts, 3)]


def venue_config(url: str) -> ProjectXConfig:
    return ProjectXConfig(
        user_name="practice",
        api_key=Secret("practice"),
        instruments={"MNQ": MNQ},
        venue="practice",
        accounts=(WantedAccount(book=BOOK),),
        api_url=url,
        user_hub_url=f"{url}/hubs/user",
        market_hub_url=f"{url}/hubs/market",
        timing=replace(QUICK, first_message_s=5, dead_s=30, act_s=5, protect_s=1.5),
        limits=RateLimits(requests=1_000_000, history_requests=1_000_000),
    )


async def main(orders: Orders) -> None:
    """Run until killed or told to shut down."""
    clock = LeapingClock(Path(orders.clock))
    trap = KillPoint(orders.point, orders.nth, die)
    async with await TrappedJournal.open(Path(orders.journal)) as journal:
        journal.trap = trap
        journal.written = say_when_verified
        state = await restore(journal)
        config = EngineConfig(
            (MNQ,), "torture", journal.install, journal.boot, TradingSwitch.LIVE,
            books=(BookConfig(PAPER, risk=LIMITS, paper=PaperConfig()),),
            templates=(BookConfig(risk=LIMITS, brackets=orders.brackets),), bar_grace_ns=NANOS // 20,
        )  # fmt: skip
        venue = ProjectXVenue(
            venue_config(orders.url), clock, session_open=market_open, rng=random.Random(orders.seed)
        )
        core = Core(config, Restless(orders.seed), state)
        broker = TrappedBroker(venue.brokers[0], trap)
        engine = Engine(core, journal, journal.last_seq, {"practice": venue.feed}, [broker], clock)
        core.turn.on_fault = bug
        listening = asyncio.create_task(listen(engine))
        try:
            await engine.main()
        finally:
            listening.cancel()
            await venue.close()


async def listen(engine: Engine) -> None:
    """A person at the keyboard."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        engine.ask(_SAID[line.decode().strip()])


def bug(error: Exception) -> None:
    """In a shop the engine goes on; here it has failed."""
    logging.critical("the core ran into a bug", exc_info=error)
    os._exit(BUG)


def say_when_verified(records: Sequence[bytes]) -> None:
    if any(_RECONCILED in record and _BOOK in record for record in records):
        sys.stdout.write(f"{VERIFIED}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Orders)))
