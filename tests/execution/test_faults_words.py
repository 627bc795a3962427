"""F48: words about a record can fail; the record is folded and kept all the same."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.orders import OrderStatus
from engine.state import turn
from tests.support.manual_venue import connected


@pytest.mark.parametrize("part", ["before", "describe"])
def test_f48_a_record_without_words_is_folded_and_kept(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        raise KeyError("no words")

    bench, order = connected()
    faults: list[Exception] = []
    bench.core.turn.on_fault = faults.append
    monkeypatch.setattr(turn, part, fails)
    venue_id = bench.lodge(order)
    bench.reply(order, ev.Outcome.ACCEPTED, venue_id)
    bench.tell_fill(bench.execute(venue_id))
    bench.tell(venue_id)
    monkeypatch.undo()
    assert bench.order(order.client_id).status is OrderStatus.FILLED
    assert bench.book.position("MNQ").qty == order.qty
    assert any(isinstance(record, r.FillApplied) for record in bench.journal)
    bench.wait(3)
    [stop] = [o for o in bench.book.live_orders() if o.stop is not None][:1]
    assert stop.qty == order.qty
    assert bench.of(fx.ClosePosition) == []
    assert faults
    assert bench.core.turn.counts["records without words"] == len(faults)
