"""What a model said and what came of it, as rows that people ask about in SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.store.history.sqlite import SqliteHistory
from engine.model import records as r
from engine.model.history import NOTHING_KEPT, HistoryBatch, HistoryMark, HistoryRow, row_key
from tests.support.asked_model import AskedModel
from tests.support.manual_venue import idea
from tests.support.venue_orders import PRICE
from tstream.history.projection import Projection


def played() -> list[r.AnyRecord]:
    """Three ideas: the model is for one, says nothing of one, is against one; then their outcomes."""
    bench = AskedModel(*[idea(targets=(80,))] * 3)
    answers = iter([0.75, None, 0.2])

    def some(question: Any) -> Any:
        number = next(answers, None)
        return () if number is None else [bench.predicted(question, number)]

    bench.answers = some
    bench.connect()
    for _ in range(3):
        bench.close_minutes([PRICE] * 3, wait_s=1.2)
        bench.obey(1.0)
    bench.close_minutes([PRICE, PRICE + 400, PRICE + 400], wait_s=1.2)
    return [r.decode(r.encode(record)) for record in bench.journal]


async def test_the_guides_questions_know_the_model(tmp_path: Path) -> None:
    projection, records = Projection("j"), played()
    rows: dict[tuple[object, ...], HistoryRow] = {}
    for seq, record in enumerate(records, 1):
        for row in projection.take(seq, record):
            rows[row_key(row)] = row
        if seq == len(records) // 2:
            again = Projection.restored("j", projection.checkpoint())
            assert again is not None
            projection = again
    history = SqliteHistory(tmp_path / "history.db")
    mark = HistoryMark(len(records), "d", records[-1].ts)
    await history.write(HistoryBatch("j", NOTHING_KEPT, mark, tuple(rows.values())))

    async def ask(sql: str) -> tuple[tuple[object, ...], ...]:
        return (await history.query(sql, 20, 5)).rows

    ((name, error),) = await ask(
        "SELECT model_name, AVG(ABS(error)) as avg_error FROM model_predictions "
        "WHERE timestamp > datetime('now', '-240000 hours') GROUP BY model_name;"
    )
    assert name == "first"
    assert error is not None
    told = await ask("SELECT counsel, model_name, ended, missing FROM decisions ORDER BY timestamp")
    assert [row[0] for row in told] == ["for", "rules alone", "against"]
    assert [row[1] for row in told] == ["first", "", "first"]
    assert [row[2] for row in told] == ["target", "", "target"]
    assert told[1][3] == "no answer within 50 ms"
    pairs = await ask("SELECT expected_r, actual, error FROM decisions WHERE ended = 'target'")
    assert len(pairs) == 2
    for expected, actual, off in pairs:
        assert off == pytest.approx(float(str(expected)) - float(str(actual)), abs=1e-9)
    (parts,) = await ask("SELECT rules, model, mood, confidence, probability FROM decisions LIMIT 1")
    assert parts == (0.8, 0.75, None, pytest.approx(0.7778, abs=1e-3), 0.75)
    both = "SELECT count(*) FROM decisions d JOIN model_predictions p ON p.plan_id = d.id"
    assert await ask(both) == ((2,),)
    await history.close()
