"""What the doors of a run share: the access log, whose news are notices of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from adapters.control.access import AccessLog
from engine.model.events import SecurityTold
from engine.model.notices import Severity
from engine.ports import Clock
from engine.runtime.engine import Engine
from tstream.clock import wall_ns
from tstream.paths import Paths


@contextmanager
def access_log(engine: Engine, paths: Paths, clock: Clock) -> Iterator[AccessLog]:
    """For as long as the engine runs; to be opened on its loop, and written to from any thread."""
    loop = asyncio.get_running_loop()

    def tell(severity: Severity, text: str) -> None:
        event = SecurityTold(ts_recv=clock(), severity=severity, text=text)
        with suppress(RuntimeError):  # the engine has ended
            loop.call_soon_threadsafe(engine.hear, event)

    with AccessLog(paths.access_log, wall_ns, tell) as access:
        yield access
