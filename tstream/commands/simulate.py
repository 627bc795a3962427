"""tstream simulate: the practice venue alone, for other clients to be pointed at."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from adapters.simulator import server
from adapters.simulator.config import SimulatorConfig
from adapters.simulator.exchange.config import AccountSpec, accounts_of_a_login
from adapters.simulator.faults.help_text import help_text
from adapters.simulator.faults.plan import Fault
from adapters.simulator.process import Ready
from adapters.tapes.fields import TapeError
from adapters.tapes.tape import open_tape
from tstream.errors import CommandError, UsageError
from tstream.options import RunOptions
from tstream.output import Output


def list_faults() -> int:
    """Print what faults there are; gives the exit code."""
    sys.stdout.write(help_text())
    return 0


def accounts(
    count: int, balance: float, daily_loss: float | None, max_loss: float | None
) -> tuple[AccountSpec, ...]:
    """The login's accounts; amounts in USD, None is no limit."""
    limits = [None if usd is None else Decimal(str(usd)) for usd in (daily_loss, max_loss)]
    return accounts_of_a_login(count, server.account(Decimal(str(balance)), *limits))


def neighbour(line: str | None) -> Ready | None:
    """The ready line of another practice venue on this machine. Raises UsageError."""
    try:
        return None if line is None else msgspec.json.decode(line, type=Ready)
    except msgspec.MsgspecError as error:
        raise UsageError(
            f"--beside takes the line that another tstream simulate has written to stdout: {error}"
        ) from None


def simulate(
    host: str,
    port: int,
    state: Path | None,
    accounts: Sequence[AccountSpec],
    beside: Ready | None,
    faults: Sequence[Fault],
    run: RunOptions,
) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code. Raises CommandError, PortError."""
    if run.speed == "max":
        raise UsageError("--speed max is for tstream run --headless; over sockets 20 is the most")
    defaults = SimulatorConfig()
    config = SimulatorConfig(
        host=host,
        port=port,
        seed=(defaults.seed if beside is None else beside.seed) if run.seed is None else run.seed,
        rate=run.rate,
        speed=run.speed if beside is None else beside.rate,
        clock=None if beside is None else beside.clock,
        state=state,
        accounts=tuple(accounts),
        faults=tuple(faults),
    )
    where = f"http://{host}:{port}" if port else "the port named in the line that follows"
    with Output(sys.stderr) as out:
        if config.faults:
            logging.basicConfig(format="practice venue: %(message)s", stream=out)
        out.write(
            f"practice venue at {where}, hubs at /hubs/user and /hubs/market; user {config.user}, "
            f"key {config.key}; Ctrl+C ends it\n"
            f"accounts: {', '.join(one.name for one in accounts)}\n"
        )
        try:
            tape = None
            if run.tape and run.contract:
                month, stamp, symbol, zone = run.tape_choice()
                tape = open_tape(run.tape, run.contract, month, stamp, symbol=symbol, zone=zone)
            out.write(f"practice venue: ended, {asyncio.run(server.serve(config, tape))}\n")
        except TapeError as error:
            raise UsageError(str(error)) from None
        except OSError as error:
            raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
    return 0
