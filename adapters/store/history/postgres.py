"""The history in PostgreSQL, by asyncpg: one connection, made anew where it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from adapters.common.redaction import scrub
from adapters.common.secret import Secret, words_of_login
from adapters.store.history.sql import (
    CHECKPOINTS,
    CREATE_VERSIONS,
    MARKS,
    VERSIONS,
    by_table,
    missing,
    moment,
    taken,
    upsert,
    values,
)
from engine.model.errors import FatalError, PortError, RefusedError, RetryableError
from engine.model.history import (
    NOTHING_KEPT,
    TABLES,
    HistoryBatch,
    HistoryCheckpoint,
    HistoryMark,
    QueryResult,
)

if TYPE_CHECKING:
    import asyncpg

_T = TypeVar("_T")

CONNECT_S = 10.0
COMMAND_S = 30.0
"""What takes longer counts as failed: it is done again, on another connection."""
CLOSE_S = 2.0
_LOCK = 0x7473747265616D
"""Of two programs that come to a new database at once, one makes the tables."""


class PostgresHistory:
    """One database for all journals. The address is a secret: it holds a password."""

    def __init__(self, url: Secret) -> None:
        self._url = url
        self._line: asyncpg.Connection[Any] | None = None
        self._turn = asyncio.Lock()

    @property
    def place(self) -> str:
        """Where it is, for people: without user and password."""
        parts = urlsplit(self._url.reveal())
        name = parts.path.strip("/") or "unnamed"
        return f"PostgreSQL at {parts.hostname or 'this machine'}, database {name}"

    async def mark(self, journal: str) -> HistoryMark:
        return await self._do(lambda db: _mark(db, journal))

    async def checkpoint(self, journal: str) -> HistoryCheckpoint | None:
        async def work(db: asyncpg.Connection[Any]) -> HistoryCheckpoint | None:
            found = await db.fetchrow(f"SELECT seq, body FROM {CHECKPOINTS} WHERE journal = $1", journal)
            return None if found is None else HistoryCheckpoint(*found)

        return await self._do(work)

    async def write(self, batch: HistoryBatch) -> None:
        await self._do(lambda db: _write(db, batch))

    async def forget(self, journal: str) -> None:
        async def work(db: asyncpg.Connection[Any]) -> None:
            async with db.transaction():
                for name in (MARKS, CHECKPOINTS, *(table.name for table in TABLES.values())):
                    await db.execute(f"DELETE FROM {name} WHERE journal = $1", journal, timeout=None)

        await self._do(work)

    async def counts(self, journal: str) -> dict[str, int]:
        async def work(db: asyncpg.Connection[Any]) -> dict[str, int]:
            names = [table.name for table in TABLES.values()]
            return {
                name: await db.fetchval(f"SELECT count(*) FROM {name} WHERE journal = $1", journal)
                for name in names
            }

        return await self._do(work)

    async def query(self, sql: str, limit: int, wait_s: float) -> QueryResult:
        return await self._do(lambda db: _query(db, sql, limit, wait_s), asking=True)

    async def probe(self) -> str:
        """The server's version, asked by a connection of its own that changes nothing."""
        asyncpg = _library()
        try:
            line = await asyncpg.connect(self._url.reveal(), timeout=CONNECT_S, command_timeout=CONNECT_S)
            try:
                return str(await line.fetchval("SHOW server_version")).partition(" ")[0]
            finally:
                await line.close(timeout=CLOSE_S)
        except Exception as error:  # noqa: BLE001  as in `_do`
            raise self._problem(error, asking=False) from None

    async def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with suppress(Exception):
                await line.close(timeout=CLOSE_S)

    async def _do(
        self, work: Callable[[asyncpg.Connection[Any]], Awaitable[_T]], *, asking: bool = False
    ) -> _T:
        async with self._turn:
            try:
                if self._line is None or self._line.is_closed():
                    self._line = await self._connected()
                return await work(self._line)
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001  whatever a driver raises crosses as a PortError
                problem = self._problem(error, asking)
                if isinstance(problem, RetryableError):
                    self._drop()
                raise problem from None

    async def _connected(self) -> asyncpg.Connection[Any]:
        line: asyncpg.Connection[Any] = await _library().connect(
            self._url.reveal(),
            timeout=CONNECT_S,
            command_timeout=COMMAND_S,
            server_settings={"application_name": "tstream", "timezone": "UTC"},
        )
        try:
            await _migrate(line)
        except BaseException:
            line.terminate()
            raise
        return line

    def _drop(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.terminate()

    def _problem(self, error: Exception, asking: bool) -> PortError:
        """Libraries quote addresses and values: nothing of the address comes through."""
        import asyncpg

        text = scrub(error, *words_of_login(self._url.reveal())) or type(error).__name__
        if isinstance(error, asyncpg.QueryCanceledError) and asking:
            return RefusedError("the answer takes too long: ask for less")
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            return RefusedError("a question may read the tables and change nothing")
        if asking and isinstance(
            error, asyncpg.SyntaxOrAccessError | asyncpg.DataError | asyncpg.FeatureNotSupportedError
        ):
            return RefusedError(text)
        if isinstance(
            error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError
        ):
            return FatalError(f"PostgreSQL does not let tstream in ({text}): correct DATABASE_URL")
        if isinstance(error, asyncpg.InterfaceError | asyncpg.PostgresConnectionError):
            text = "the connection was lost"
        if isinstance(error, TimeoutError):
            text = "it does not answer"
        if isinstance(error, asyncpg.SyntaxOrAccessError):
            return FatalError(f"the tables in PostgreSQL are not as they were made ({text})")
        return RetryableError(f"PostgreSQL can't be used now: {text}")


def _library() -> Any:
    try:
        import asyncpg
    except ImportError:
        raise FatalError(
            'PostgreSQL needs asyncpg: pip install "tstream[postgres]", or unset history.url'
        ) from None
    return asyncpg


async def _migrate(db: asyncpg.Connection[Any]) -> None:
    async with db.transaction():
        await db.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        found = await db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        )
        tables = [row[0] for row in found]
        if VERSIONS not in tables and (wrong := taken(tables)) is not None:
            raise FatalError(f"the database {wrong}")
        await db.execute(CREATE_VERSIONS)
        done = await db.fetchval(f"SELECT count(*) FROM {VERSIONS}")
        try:
            steps = missing(done)
        except FatalError as error:
            raise FatalError(f"the history in PostgreSQL {error}") from None
        for step in steps:
            for statement in step.statements:
                await db.execute(statement)
            await db.execute(f"INSERT INTO {VERSIONS} (number, name) VALUES ($1, $2)", step.number, step.name)


async def _mark(db: asyncpg.Connection[Any], journal: str, lock: str = "") -> HistoryMark:
    found = await db.fetchrow(f"SELECT seq, digest, ts FROM {MARKS} WHERE journal = $1 {lock}", journal)
    return NOTHING_KEPT if found is None else HistoryMark(*found)


async def _write(db: asyncpg.Connection[Any], batch: HistoryBatch) -> None:
    mark = batch.mark
    async with db.transaction():
        stands = await _mark(db, batch.journal, "FOR UPDATE")
        if stands == mark:
            return
        if stands != batch.after:
            raise RefusedError(f"the history stands at record {stands.seq}, not at {batch.after.seq}")
        if stands == NOTHING_KEPT:  # of two that begin at once, the second fails here and looks again
            await db.execute(
                f"INSERT INTO {MARKS} (journal, seq, digest, ts) VALUES ($1, $2, $3, $4)",
                *(batch.journal, mark.seq, mark.digest, mark.ts),
            )
        else:
            await db.execute(
                f"UPDATE {MARKS} SET seq = $2, digest = $3, ts = $4 WHERE journal = $1",
                *(batch.journal, mark.seq, mark.digest, mark.ts),
            )
        for kind, rows in by_table(batch.rows):
            await db.executemany(upsert(kind, _place), [values(row, moment, _same) for row in rows])
        if batch.checkpoint:
            await db.execute(
                f"INSERT INTO {CHECKPOINTS} (journal, seq, body) VALUES ($1, $2, $3)"
                " ON CONFLICT (journal) DO UPDATE SET seq = excluded.seq, body = excluded.body",
                *(batch.journal, mark.seq, batch.checkpoint),
            )


async def _query(db: asyncpg.Connection[Any], sql: str, limit: int, wait_s: float) -> QueryResult:
    async with db.transaction(readonly=True):
        await db.execute(f"SET LOCAL statement_timeout = {round(1000 * wait_s)}")
        question = await db.prepare(sql)
        columns = tuple(column.name for column in question.get_attributes())
        if not columns:
            raise RefusedError("that is no question: write a SELECT")
        cursor = await question.cursor()
        rows = await cursor.fetch(limit + 1)
    return QueryResult(columns, tuple(map(tuple, rows[:limit])), len(rows) > limit)


def _place(number: int) -> str:
    return f"${number}"


def _same(value: Any) -> Any:
    return value
