"""The practice venue of Interactive Brokers: the twin of TWS with a generated market of futures."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tstream.errors import CommandError, UsageError
from tstream.output import Output
from tstream.venues.kind import NO_CREDENTIALS, Listening, SimulateAsked

if TYPE_CHECKING:
    from adapters.simulator.process import VenueStart

_NO_FAULTS = "the twin of TWS has no faults that can be asked for"


class IbTwinPractice:
    """A Practice. As at TWS nobody logs in: who is on this machine is let in."""

    @asynccontextmanager
    async def open(self, accounts: int) -> AsyncIterator[Listening]:
        from adapters.simulator.ibkr.practice import IbPractice, IbTwinConfig

        async with IbPractice(IbTwinConfig()) as twin:
            yield Listening(f"http://127.0.0.1:{twin.port}", NO_CREDENTIALS, twin.now)

    def main(self, start: VenueStart) -> int:
        from adapters.simulator.exchange.store import StateError
        from adapters.simulator.ibkr.practice import IbPractice, IbTwinConfig
        from adapters.simulator.process import EXIT_BAD_START
        from adapters.simulator.twins.process import serve

        usual, beside = IbTwinConfig(), start.beside
        config = IbTwinConfig(
            port=start.port,
            seed=(usual.seed if beside is None else beside.seed) if start.seed is None else start.seed,
            rate=start.rate,
            speed=start.speed if beside is None else beside.rate,
            hold_s=start.hold_s,
            since_ns=start.since_ns,
            clock=start.clock,
            state=None if start.state is None else Path(start.state),
        )
        try:
            if start.tape is not None or start.faults:
                raise StateError("it plays no tapes" if start.tape is not None else _NO_FAULTS)
            twin = IbPractice(config)
            asyncio.run(serve(twin, config.seed, config.model, exit_with_parent=True))
        except (StateError, OSError) as error:
            sys.stderr.write(f"practice venue ibkr: {error}\n")
            return EXIT_BAD_START
        return 0

    def list_faults(self) -> str:
        return f"{_NO_FAULTS}\n"

    def check_fault(self, text: str) -> None:
        raise ValueError(_NO_FAULTS)

    def simulate(self, asked: SimulateAsked) -> int:
        from adapters.simulator.exchange.store import StateError
        from adapters.simulator.ibkr.practice import ACCOUNT, IbPractice, IbTwinConfig
        from adapters.simulator.twins.process import serve

        run, beside = asked.run, asked.beside
        for option, given in (
            ("--daily-loss", asked.daily_loss),
            ("--max-loss", asked.max_loss),
            ("--tape", run.tape),
        ):
            if given is not None:
                raise UsageError(f"{option} is for the practice venue of futures, not for ibkr")
        assert run.speed != "max"
        seed = IbTwinConfig().seed if beside is None else beside.seed
        config = IbTwinConfig(
            host=asked.host,
            port=asked.port,
            seed=seed if run.seed is None else run.seed,
            rate=run.rate,
            speed=run.speed if beside is None else beside.rate,
            clock=None if beside is None else beside.clock,
            state=asked.state,
            balance_usd=Decimal(str(asked.balance)),
        )
        where = f"{asked.host}:{asked.port}" if asked.port else "the port named in the line that follows"
        with Output(sys.stderr) as out:
            out.write(f"twin of TWS at {where}, account {ACCOUNT}; Ctrl+C ends it\n")
            try:
                ended = asyncio.run(serve(IbPractice(config), config.seed, config.model))
                out.write(f"twin of TWS: ended, {ended}\n")
            except StateError as error:
                raise CommandError(str(error)) from None
            except OSError as error:
                raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
        return 0
