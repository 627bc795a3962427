"""The built-in practice venue of futures: ProjectX's wire on loopback."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.common.secret import Secret
from tstream.errors import CommandError, UsageError
from tstream.output import Output
from tstream.venues.kind import Credentials, Listening, SimulateAsked

if TYPE_CHECKING:
    from adapters.simulator.config import SimulatorConfig
    from adapters.simulator.process import TapeChoice, VenueStart
    from adapters.simulator.server import RecordedMarket


class ProjectXPractice:
    """Its practice venue (a Practice)."""

    @asynccontextmanager
    async def open(self, accounts: int) -> AsyncIterator[Listening]:
        from adapters.simulator.config import SimulatorConfig
        from adapters.simulator.exchange.config import accounts_of_a_login
        from adapters.simulator.practice import PracticeVenue

        async with PracticeVenue(SimulatorConfig(accounts=accounts_of_a_login(max(1, accounts)))) as venue:
            yield Listening(venue.url, Credentials(venue.config.user, Secret(venue.config.key)), venue.now)

    def main(self, start: VenueStart) -> int:
        from adapters.simulator import server

        return server.main(start, _open_tape)

    def list_faults(self) -> str:
        from adapters.simulator.faults.help_text import help_text

        return help_text()

    def check_fault(self, text: str) -> None:
        from adapters.simulator.faults.catalogue import parse

        parse(text)

    def simulate(self, asked: SimulateAsked) -> int:
        from adapters.simulator import server
        from adapters.tapes.fields import TapeError
        from adapters.tapes.tape import open_tape

        config = _config(asked)
        where = (
            f"http://{asked.host}:{asked.port}" if asked.port else "the port named in the line that follows"
        )
        with Output(sys.stderr) as out:
            if config.faults:
                logging.basicConfig(format="practice venue: %(message)s", stream=out)
            out.write(
                f"practice venue at {where}, hubs at /hubs/user and /hubs/market; user {config.user}, "
                f"key {config.key}; Ctrl+C ends it\n"
                f"accounts: {', '.join(one.name for one in config.accounts)}\n"
            )
            try:
                tape, run = None, asked.run
                if run.tape and run.contract:
                    month, stamp, symbol, zone = run.tape_choice()
                    tape = open_tape(run.tape, run.contract, month, stamp, symbol=symbol, zone=zone)
                out.write(f"practice venue: ended, {asyncio.run(server.serve(config, tape))}\n")
            except TapeError as error:
                raise UsageError(str(error)) from None
            except OSError as error:
                raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
        return 0


def _config(asked: SimulateAsked) -> SimulatorConfig:
    from adapters.simulator import server
    from adapters.simulator.config import SimulatorConfig
    from adapters.simulator.exchange.config import accounts_of_a_login
    from adapters.simulator.faults.catalogue import parse

    limits = [None if usd is None else Decimal(str(usd)) for usd in (asked.daily_loss, asked.max_loss)]
    account = server.account(Decimal(str(asked.balance)), *limits)
    beside, run, defaults = asked.beside, asked.run, SimulatorConfig()
    assert run.speed != "max"
    return SimulatorConfig(
        host=asked.host,
        port=asked.port,
        seed=(defaults.seed if beside is None else beside.seed) if run.seed is None else run.seed,
        rate=run.rate,
        speed=run.speed if beside is None else beside.rate,
        clock=None if beside is None else beside.clock,
        state=asked.state,
        accounts=accounts_of_a_login(asked.accounts, account),
        faults=tuple(map(parse, run.faults)),
    )


def _open_tape(choice: TapeChoice) -> RecordedMarket:
    from adapters.tapes.tape import open_tape

    return open_tape(
        Path(choice.path), choice.contract, choice.month, choice.stamp, symbol=choice.symbol, zone=choice.zone
    )
