"""The practice venue of a kind whose twin is a wire of adapters/simulator/wire."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from adapters.common.secret import Secret
from engine.model.instrument import Instrument
from tstream.errors import CommandError, UsageError
from tstream.output import Output
from tstream.venues.kind import Credentials, Listening, SimulateAsked

if TYPE_CHECKING:
    from adapters.simulator.process import VenueStart
    from adapters.simulator.twins.config import TwinLogin
    from adapters.simulator.twins.wire import TwinWire


@dataclass(frozen=True, slots=True)
class WireTwin:
    """A Practice."""

    wire: Callable[[], type[TwinWire]]
    """Imports the wire: that is heavy, and needed where it is served only."""
    instruments: Mapping[str, Instrument]
    """What it lists."""

    @asynccontextmanager
    async def open(self, accounts: int) -> AsyncIterator[Listening]:
        from adapters.simulator.twins.config import TwinConfig
        from adapters.simulator.twins.twin import Twin

        async with Twin(self.wire(), TwinConfig(tuple(self.instruments.values()))) as twin:
            login = twin.account.login
            secrets = Secret(login.key), Secret(login.secret), Secret(login.passphrase)
            yield Listening(twin.url, Credentials("practice", *secrets), twin.now)

    def main(self, start: VenueStart) -> int:
        from adapters.simulator.twins import process

        return process.main(start, self.wire(), tuple(self.instruments.values()))

    def list_faults(self) -> str:
        from adapters.simulator.twins.faults import help_text

        return help_text(self.wire().spoken())

    def check_fault(self, text: str) -> None:
        from adapters.simulator.twins.faults import catalogue

        catalogue(self.wire().spoken()).parse(text)

    def simulate(self, asked: SimulateAsked) -> int:
        from adapters.simulator.exchange.store import StateError
        from adapters.simulator.twins.config import TwinConfig
        from adapters.simulator.twins.faults import catalogue
        from adapters.simulator.twins.process import serve
        from adapters.simulator.twins.twin import Twin

        wire, run, beside = self.wire(), asked.run, asked.beside
        faults = catalogue(wire.spoken())
        for option, given in (
            ("--daily-loss", asked.daily_loss),
            ("--max-loss", asked.max_loss),
            ("--tape", run.tape),
        ):
            if given is not None:
                raise UsageError(f"{option} is for the practice venue of futures, not for {wire.NAME}")
        logins = tuple(_login(number, Decimal(str(asked.balance))) for number in range(1, asked.accounts + 1))
        assert run.speed != "max"
        usual = TwinConfig(()).seed if beside is None else beside.seed
        config = TwinConfig(
            instruments=tuple(self.instruments.values()),
            host=asked.host,
            port=asked.port,
            seed=usual if run.seed is None else run.seed,
            rate=run.rate,
            speed=run.speed if beside is None else beside.rate,
            clock=None if beside is None else beside.clock,
            state=asked.state,
            logins=logins,
            faults=tuple(map(faults.parse, run.faults)),
        )
        where = (
            f"http://{asked.host}:{asked.port}" if asked.port else "the port named in the line that follows"
        )
        with Output(sys.stderr) as out:
            if config.faults:
                logging.basicConfig(format="practice venue: %(message)s", stream=out)
            keys = ", ".join(f"{one.account}: key, secret and passphrase {one.key}" for one in logins)
            out.write(f"practice venue {wire.NAME} at {where}; {keys}; Ctrl+C ends it\n")
            try:
                served = serve(Twin(wire, config), config.seed, config.model)
                out.write(f"practice venue {wire.NAME}: ended, {asyncio.run(served)}\n")
            except StateError as error:
                raise CommandError(str(error)) from None
            except OSError as error:
                raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
        return 0


def _login(number: int, money: Decimal) -> TwinLogin:
    """Of one account of several: "practice2" logs in to PRACTICE-2."""
    from adapters.simulator.twins.config import TwinLogin

    name, key = ("PRACTICE", "practice") if number == 1 else (f"PRACTICE-{number}", f"practice{number}")
    return TwinLogin(name, key, key, key, money)
