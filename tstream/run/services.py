"""What runs beside the engine for as long as it does. A service that fails is begun again; it never touches
the engine or another service.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

log = logging.getLogger("services")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
WELL_S = 5.0
"""A service that has run for so long has not failed at once again."""


@dataclass(frozen=True, slots=True)
class Service:
    """Work that goes on until it is cancelled, or ends by itself when it has nothing to do."""

    name: str
    """As the log names it: "backups"."""
    run: Callable[[], Awaitable[None]]
    """Called again after a failure: it begins anew each time."""


Told = Callable[[str, str], None]
"""Hears the name of a service and what is wrong with it."""


def _nobody(_name: str, _fault: str) -> None:
    return


@asynccontextmanager
async def beside(
    services: Iterable[Service], first_wait_s: float = FIRST_WAIT_S, tell: Told = _nobody
) -> AsyncIterator[None]:
    """Run all of them until the block ends; then each is cancelled and waited for. `tell` hears what is wrong
    with which of them, and empty words once one runs again.
    """
    tasks = [asyncio.create_task(_kept(one, first_wait_s, tell), name=one.name) for one in services]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept(service: Service, wait_s: float, tell: Told) -> None:
    while True:
        well = asyncio.get_running_loop().call_later(WELL_S, tell, service.name, "")
        try:
            await service.run()
            tell(service.name, "")
            return
        except Exception:
            log.exception("%s failed; begun again in %g s", service.name, wait_s)
            tell(service.name, "internal error, see the log")
        finally:
            well.cancel()
        await asyncio.sleep(wait_s)
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
