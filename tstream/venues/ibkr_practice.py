"""The twin of TWS, served alone: other clients are pointed at it. No run of tstream's has it: it forgets."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

from tstream.errors import CommandError, UsageError
from tstream.output import Output
from tstream.venues.kind import NO_CREDENTIALS, Listening, SimulateAsked

if TYPE_CHECKING:
    from adapters.simulator.process import VenueStart

_NO_FAULTS = "the twin of TWS has no faults that can be asked for"


class IbTwinPractice:
    """A Practice."""

    @asynccontextmanager
    async def open(self, accounts: int) -> AsyncIterator[Listening]:
        from adapters.simulator.ibkr.practice import IbPractice

        practice = IbPractice()
        async with practice.twin as twin:
            playing = asyncio.create_task(practice.play())
            try:
                yield Listening(f"http://127.0.0.1:{twin.port}", NO_CREDENTIALS, practice.now)
            finally:
                playing.cancel()
                await asyncio.gather(playing, return_exceptions=True)

    def main(self, start: VenueStart) -> int:
        from adapters.simulator.process import EXIT_BAD_START

        sys.stderr.write("practice venue ibkr: it keeps nothing between runs, so no run has it\n")
        return EXIT_BAD_START

    def list_faults(self) -> str:
        return f"{_NO_FAULTS}\n"

    def check_fault(self, text: str) -> None:
        raise ValueError(_NO_FAULTS)

    def simulate(self, asked: SimulateAsked) -> int:
        from adapters.simulator.ibkr.practice import IbPractice, serve

        run, beside = asked.run, asked.beside
        for option, given in (
            ("--daily-loss", asked.daily_loss),
            ("--max-loss", asked.max_loss),
            ("--tape", run.tape),
            ("--state", asked.state),
        ):
            if given is not None:
                raise UsageError(f"{option} is for the practice venue of futures, not for ibkr")
        assert run.speed != "max"
        seed = 60 if beside is None else beside.seed
        practice = IbPractice(
            host=asked.host,
            port=asked.port,
            seed=seed if run.seed is None else run.seed,
            rate=run.rate,
            speed=run.speed,
            balance_usd=Decimal(str(asked.balance)),
            clock=None if beside is None else beside.clock,
        )
        where = f"{asked.host}:{asked.port}" if asked.port else "the port named in the line that follows"
        with Output(sys.stderr) as out:
            out.write(f"twin of TWS at {where}, account {practice.twin.account.name}; Ctrl+C ends it\n")
            try:
                out.write(f"twin of TWS: ended, {asyncio.run(serve(practice))}\n")
            except OSError as error:
                raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
        return 0
