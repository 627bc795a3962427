"""tstream simulate: the practice venue alone, for other clients to be pointed at."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from adapters.simulator.config import SimulatorConfig, TapeChoice
from adapters.simulator.server import account, serve
from adapters.tapes.fields import TapeError
from tstream.errors import CommandError, UsageError
from tstream.options import RunOptions


def simulate(host: str, port: int, state: Path | None, balance: float, run: RunOptions) -> int:
    """Serve until SIGINT or SIGTERM; gives the exit code. Raises CommandError, PortError."""
    if run.speed == "max":
        raise UsageError("--speed max is for tstream run --headless; over sockets 20 is the most")
    defaults = SimulatorConfig()
    config = SimulatorConfig(
        host=host,
        port=port,
        seed=defaults.seed if run.seed is None else run.seed,
        rate=run.rate,
        speed=run.speed,
        state=state,
        tape=TapeChoice(run.tape, run.contract, run.month, run.stamp) if run.tape and run.contract else None,
        accounts=(account(Decimal(str(balance))),),
    )
    where = f"http://{host}:{port}" if port else "the port named in the line that follows"
    sys.stderr.write(
        f"practice venue at {where}, hubs at /hubs/user and /hubs/market; user {config.user}, "
        f"key {config.key}; Ctrl+C ends it\n"
    )
    try:
        asyncio.run(serve(config))
    except TapeError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise CommandError(f"can't serve at {where}: {error.strerror or error}") from None
    return 0
