"""The last day of a contract month, told from its name."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.market.expiry import days_left, last_day

TODAY = date(2026, 8, 19)


@pytest.mark.parametrize(
    ("symbol", "contract", "last"),
    [
        ("MNQ", "CON.F.US.MNQ.U26", date(2026, 9, 18)),
        ("ES", "CON.F.US.EP.Z26", date(2026, 12, 18)),
        ("ES", "CON.F.US.EP.H27", date(2027, 3, 19)),
        ("MES", "MESM7", date(2027, 6, 18)),
        ("MNQ", "MNQZ9", date(2029, 12, 21)),
        ("MNQ", "MNQZ1", date(2031, 12, 19)),
        ("MNQ", "MNQU26", date(2026, 9, 18)),
        ("GC", "CON.F.US.GCE.Z26", date(2026, 11, 30)),
        ("MGC", "MGCG7", date(2027, 1, 29)),  # the 31st is a Sunday
        ("MNQ", "MNQ", None),
        ("MNQ", "x", None),
        ("MNQ", "", None),
        ("MNQ", "MNQA6", None),
    ],
)
def test_last_days(symbol: str, contract: str, last: date | None) -> None:
    assert last_day(symbol, contract, TODAY) == last


@given(st.dates(date(2022, 1, 1), date(2034, 12, 31)), st.sampled_from("HMUZ"))
def test_index_futures_end_on_the_third_friday(day: date, code: str) -> None:
    last = last_day("MNQ", f"MNQ{code}{day.year % 10}", day)
    assert last is not None
    assert last.weekday() == 4
    assert 15 <= last.day <= 21
    assert last.year == day.year


@given(st.dates(date(2022, 1, 1), date(2034, 12, 31)), st.sampled_from("GJMQVZ"))
def test_metals_end_before_their_month_begins(day: date, code: str) -> None:
    last = last_day("GC", f"CON.F.US.GCE.{code}{day.year % 100:02}", day)
    assert last is not None
    assert last.weekday() < 5
    assert last.day >= 26
    assert last.month == "FGHJKMNQUVXZ".index(code) or (code == "F" and last.month == 12)


def test_days_left() -> None:
    assert days_left("MNQ", "MNQU6", date(2026, 9, 16)) == 2
    assert days_left("MNQ", "MNQU6", date(2026, 9, 19)) == -1
    assert days_left("MNQ", "MNQ", TODAY) is None
