from __future__ import annotations

from datetime import date

import pytest

from adapters.simulator.market.contracts import front_month, listing
from engine.model.instrument import CME_FUTURES

LISTED = listing(tuple(CME_FUTURES.values()), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("symbol", "day", "month"),
    [
        ("MNQ", "2026-11-20", (2026, 12)),
        ("ES", "2026-12-09", (2026, 12)),
        ("ES", "2026-12-10", (2027, 3)),
        ("NQ", "2026-12-31", (2027, 3)),
        ("ES", "2013-10-07", (2013, 12)),
        ("GC", "2026-11-20", (2026, 12)),
        ("MGC", "2026-11-25", (2027, 2)),
        ("GC", "2026-12-24", (2027, 2)),
        ("GC", "2013-10-07", (2013, 12)),
    ],
)
def test_front_months(symbol: str, day: str, month: tuple[int, int]) -> None:
    assert front_month(symbol, date.fromisoformat(day)) == month


def test_names_as_the_platform_writes_them() -> None:
    es = LISTED.front["ES"]
    assert (es.id, es.symbol_id, es.name, es.display_name) == ("CON.F.US.EP.Z26", "F.US.EP", "ESZ6", "ESZ26")
    assert es.description == "E-mini S&P 500: December 2026"


def test_search_is_fuzzy_and_shows_one_row_a_symbol() -> None:
    assert [c.name for c in LISTED.search("nq")] == ["MNQZ6", "NQZ6"]
    assert len(LISTED.search("")) == 6
    assert not LISTED.search("soybeans")


def test_a_tape_of_another_month_is_listed_as_the_front() -> None:
    listed = listing((CME_FUTURES["GC"],), date(2013, 10, 7), {"GC": (2014, 2)})
    assert listed.front["GC"].id == "CON.F.US.GCE.G14"
