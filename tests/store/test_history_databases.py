"""The history's port on both databases: the same rows, marks and refusals on SQLite and on a real
PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.common.secret import Secret
from adapters.store.history import sql
from adapters.store.history.postgres import PostgresHistory
from adapters.store.history.sqlite import SqliteHistory
from engine.model.errors import FatalError, RefusedError, RetryableError
from engine.model.history import (
    NOTHING_KEPT,
    TABLES,
    HistoryBatch,
    HistoryMark,
    HistoryRow,
    KeptAlert,
    KeptPrediction,
    When,
)
from engine.ports import History
from tests.docs.pages import DOCS, text

T0 = 1_780_000_000_123_456_789
MARK = HistoryMark(5, "abc", T0)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue("postgres").database() if request.param == "postgres" else ""


@pytest.fixture
async def history(url: str, tmp_path: Path) -> AsyncIterator[SqliteHistory | PostgresHistory]:
    made = PostgresHistory(Secret(url)) if url else SqliteHistory(tmp_path / "history.db")
    yield made
    await made.close()


def alert(seq: int, message: str = "it is late", **more: object) -> KeptAlert:
    told = {"severity": "warning", "kind": "market", "symbol": "MNQ", "room": "", "author": "", "verdict": ""}
    return KeptAlert(journal="j", book="b", seq=seq, timestamp=When(T0), message=message, **(told | more))  # type: ignore[arg-type]


def prediction(seq: int, error: float | None = None) -> KeptPrediction:
    return KeptPrediction(
        journal="j",
        book="b",
        seq=seq,
        timestamp=When(T0),
        plan_id="p1",
        model_name="patterns",
        symbol="MNQ",
        prediction=0.5,
        confidence=None,
        samples=20,
        actual=None if error is None else 0.5 - error,
        error=error,
    )


def batch(*rows: HistoryRow, after: HistoryMark = NOTHING_KEPT, mark: HistoryMark = MARK) -> HistoryBatch:
    return HistoryBatch("j", after, mark, rows)


async def test_rows_and_mark_go_together(history: History) -> None:
    assert await history.mark("j") == NOTHING_KEPT
    await history.write(batch(alert(1), alert(2)))
    assert await history.mark("j") == MARK
    assert await history.mark("other") == NOTHING_KEPT
    assert (await history.counts("j"))["alerts"] == 2


async def test_the_same_again_does_nothing_and_another_place_is_refused(history: History) -> None:
    await history.write(batch(alert(1)))
    await history.write(batch(alert(1)))
    with pytest.raises(RefusedError, match="stands at record 5"):
        await history.write(batch(alert(9), after=HistoryMark(7, "x", 0), mark=HistoryMark(9, "y", 0)))
    assert (await history.counts("j"))["alerts"] == 1
    await history.write(batch(alert(6), after=MARK, mark=HistoryMark(6, "d", T0)))
    assert (await history.mark("j")).seq == 6


async def test_a_newer_row_takes_the_place_of_an_older_one_and_never_the_other_way(history: History) -> None:
    await history.write(batch(prediction(4, error=0.25)))
    await history.write(batch(prediction(2), after=MARK, mark=HistoryMark(6, "d", T0)))
    found = await history.query("SELECT seq, error FROM model_predictions", 10, 5)
    assert found.rows == ((4, 0.25),)


async def test_what_is_forgotten_is_gone(history: History) -> None:
    await history.write(batch(alert(1), prediction(2)))
    await history.forget("j")
    assert await history.mark("j") == NOTHING_KEPT
    assert set((await history.counts("j")).values()) == {0}


async def test_text_from_outside_is_data(history: History) -> None:
    odd = "'); DROP TABLE alerts; -- \0 \x1b[2J ünïcode 🚀"
    await history.write(batch(alert(1, odd)))
    found = await history.query("SELECT message FROM alerts", 10, 5)
    assert found.rows == ((odd.replace("\0", ""),),)


async def test_a_question_is_bounded(history: History) -> None:
    await history.write(batch(*(alert(n) for n in range(20))))
    found = await history.query("SELECT seq FROM alerts ORDER BY seq", 5, 5)
    assert (found.columns, found.rows, found.more) == (("seq",), tuple((n,) for n in range(5)), True)
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(RefusedError, match=r"longer|too long"):
        await history.query(forever, 5, 0.2)
    assert (await history.counts("j"))["alerts"] == 20  # it goes on


CHANGES = (
    "DELETE FROM alerts",
    "INSERT INTO journals VALUES ('x', 1, '', 1)",
    "DROP TABLE alerts",
    "SELECT 1; DELETE FROM alerts",
    "WITH gone AS (DELETE FROM alerts RETURNING *) SELECT * FROM gone",
    "ATTACH DATABASE '/tmp/elsewhere.db' AS other",
    "PRAGMA query_only = off",
    "SET default_transaction_read_only = off",
    "CREATE TEMP TABLE t AS SELECT * FROM alerts",
    "COMMIT",
    "COPY alerts TO '/tmp/alerts'",
    "nonsense",
    "SELECT * FROM nowhere",
    "",
)


async def test_a_question_changes_nothing(history: History) -> None:
    await history.write(batch(alert(1)))
    for asked in CHANGES:
        with pytest.raises(RefusedError):
            await history.query(asked, 10, 5)
    assert (await history.counts("j"))["alerts"] == 1


def questions(heading: str) -> list[str]:
    """The SQL of a section's blocks, one statement each."""
    section = text(DOCS / "history.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = [part.split("```")[0] for part in section.split("```sql\n")[1:]]
    return [one.strip() for block in blocks for one in block.split(";") if one.strip()]


GUIDE = [
    "SELECT * FROM trades ORDER BY timestamp DESC LIMIT 10;",
    "SELECT * FROM positions WHERE status = 'open';",
    "SELECT * FROM risk_metrics ORDER BY timestamp DESC LIMIT 1;",
    "SELECT model_name, AVG(ABS(error)) as avg_error \n"
    "FROM model_predictions \n"
    "WHERE timestamp > NOW() - INTERVAL '24 hours'\n"
    "GROUP BY model_name;",
]
"""Word for word what people were told that they can ask."""


async def test_questions_of_before_run_word_for_word(history: History, url: str) -> None:
    now = prediction(4, error=-0.25)
    await history.write(batch(now))
    for asked in GUIDE if url else GUIDE[:3]:
        await history.query(asked, 10, 5)
        assert asked.rstrip(";") in "\n".join(questions("Questions"))
    mean = GUIDE[3].replace("24 hours", "2400000 hours")
    if url:
        assert (await history.query(mean, 10, 5)).rows == (("patterns", 0.25),)


async def test_what_the_page_asks_can_be_asked(history: History, url: str) -> None:
    await history.write(batch(prediction(4, error=0.5)))
    for asked in questions("Questions"):
        if ("NOW()" in asked and not url) or ("datetime(" in asked and url):
            continue
        await history.query(asked, 10, 5)


async def test_times_and_amounts_come_back(history: History, url: str) -> None:
    await history.write(batch(alert(1)))
    ((stamp,),) = (await history.query("SELECT timestamp FROM alerts", 1, 5)).rows
    assert str(stamp).startswith("2026-05-28 20:26:40.123456")
    asked = "SELECT count(*) FROM alerts WHERE timestamp > "
    early, late = ("'2026-05-28'", "'2026-05-29'") if not url else ("'2026-05-28Z'", "'2026-05-29Z'")
    assert (await history.query(asked + early, 1, 5)).rows == ((1,),)
    assert (await history.query(asked + late, 1, 5)).rows == ((0,),)


async def test_a_database_with_tables_of_somebody_else_is_left_alone(
    url: str, tmp_path: Path, history: History
) -> None:
    if url:
        import asyncpg

        line = await asyncpg.connect(url)
        await line.execute("CREATE TABLE trades (id INTEGER)")
        await line.close()
    else:
        import sqlite3

        with sqlite3.connect(tmp_path / "history.db") as db:
            db.execute("CREATE TABLE trades (id INTEGER)")
    with pytest.raises(FatalError, match="somebody else"):
        await history.mark("j")


async def test_a_layout_of_a_newer_program_is_left_alone(history: History, url: str, tmp_path: Path) -> None:
    await history.mark("j")
    add = f"INSERT INTO {sql.VERSIONS} (number, name) VALUES (99, 'later')"
    await history.close()
    if url:
        import asyncpg

        line = await asyncpg.connect(url)
        await line.execute(add)
        await line.close()
        fresh: History = PostgresHistory(Secret(url))
    else:
        import sqlite3

        with sqlite3.connect(tmp_path / "history.db") as db:
            db.execute(add)
        fresh = SqliteHistory(tmp_path / "history.db")
    with pytest.raises(FatalError, match="newer tstream"):
        await fresh.mark("j")
    await fresh.close()


def test_the_steps_make_a_column_for_each_field() -> None:
    words = "\n".join(statement for step in sql.migrations() for statement in step.statements)
    for kind, table in TABLES.items():
        body = words.split(f"CREATE TABLE {table.name} (")[1].split("\n)")[0]
        columns = [
            line.split()[0] for line in body.splitlines() if line.strip() and "PRIMARY KEY (" not in line
        ]
        assert tuple(columns) == kind.__struct_fields__
        assert f"PRIMARY KEY ({', '.join(table.key)})" in body


async def test_a_password_is_in_no_error(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    gone = PostgresHistory(Secret(f"postgresql://someone:{secret}@127.0.0.1:9/nowhere"))
    with pytest.raises(RetryableError) as caught:
        await gone.mark("j")
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert gone.place == "PostgreSQL at 127.0.0.1, database nowhere"


async def test_many_at_once_are_done_in_turn(history: History) -> None:
    await history.write(batch(alert(1)))
    found = await asyncio.gather(*(history.counts("j") for _ in range(8)))
    assert [one["alerts"] for one in found] == [1] * 8


async def test_a_text_of_an_answer_is_bounded(tmp_path: Path) -> None:
    history = SqliteHistory(tmp_path / "history.db")
    await history.write(batch(alert(1)))
    with pytest.raises(RefusedError, match="too big"):
        await history.query("SELECT hex(zeroblob(900000))", 1, 5)
    await history.close()
