"""What the dashboard says, by hand."""

from __future__ import annotations

from msgspec.structs import replace

from tests.tui import dashboard, fake
from tests.tui.states import state_of, styles
from tui.books import of_book
from tui.rows.dashboard import beside, dashboard_rows
from tui.rows.system import system_rows
from tui.styled_text import cell, text_of, width_of


def lines(view: object = None, width: int = 120) -> list[str]:
    shown = dashboard.view() if view is None else view
    return [text_of(row).rstrip() for row in dashboard_rows(state_of(shown), width)]  # type: ignore[arg-type]


def test_thirty_days_and_risk_of_each_book_by_hand() -> None:
    text = "\n".join(lines())
    month = next(line for line in text.splitlines() if "48" in line)
    for words in ("48", "58 %", "1.62", "2.14", "−1,204.50 2.4 %", "0.6 %", "3 won", "+2,318.40", "21 days"):
        assert words in month, words
    beginner = next(line for line in text.splitlines() if "−184.10" in line)
    assert "2 lost" in beginner
    assert "—" in beginner
    assert "412.00" in text
    assert "18.3 %" in text
    assert "22.4 %" in text
    assert "0.3 % 0.2–0.4" in text
    assert "too little is known" in text


def test_the_last_five_alerts_the_newest_first_with_their_fate() -> None:
    shown = dashboard.view()
    rows = lines()
    begin = next(n for n, line in enumerate(rows) if "Last alerts" in line)
    times = [line[:8] for line in rows[begin + 1 :] if line[:2].isdigit()]
    assert len(times) == 5
    assert len(shown.alerts) > 5
    assert "refused: " in "\n".join(rows), "what came of it is never cut"
    assert "no alert room has said anything" in "\n".join(lines(replace(shown, alerts=())))


def test_components_and_what_the_process_takes() -> None:
    text = "\n".join(lines(dashboard.trouble()))
    for words in (
        "✕ failed",
        "312 MB left",
        "CPU 7 %",
        "memory 143 MB",
        "disk 48.1 of 99.0 GB free",
        "up 1h 34m",
    ):
        assert words in text, words
    fallen = next(
        row for row in dashboard_rows(state_of(dashboard.trouble()), 120) if "12.4 %" in text_of(row)
    )
    assert styles(fallen)["12.4 %"] == "warn"
    stopped = replace(
        dashboard.view(), health=replace(dashboard.view().health, stopped=True, detail="it ended")
    )
    assert "the engine is down: it ended" in "\n".join(lines(stopped))


def test_the_system_pane_tells_what_the_process_takes_and_what_has_failed() -> None:
    text = "\n".join(text_of(row).rstrip() for row in system_rows(state_of(dashboard.trouble()), 90))
    assert "process    CPU 7 %, 143 MB  disk 48.1 GB free" in text
    assert "failed     topstepx: user of 50KTC is down: closed by peer, again in 8 s" in text
    assert "           disk: 312 MB left" in text
    assert "failed" not in "\n".join(text_of(row) for row in system_rows(state_of(dashboard.view()), 90))


def test_it_fits_every_width_and_needs_nothing_known() -> None:
    for view in (dashboard.view(), dashboard.trouble(), fake.trading_view(), fake.empty_view()):
        for width in (56, 76, 109, 110, 116, 196):
            rows = dashboard_rows(state_of(view), width)
            assert all(width_of(row) <= width for row in rows), width


def test_the_picked_book_alone() -> None:
    shown = dashboard.view()
    own = of_book(shown, shown.books[1].book)
    assert [one.book for one in own.performance] == [shown.books[1].book]


def test_columns_beside_each_other() -> None:
    rows = beside([cell("a"), cell("bb")], [cell("c")], 4, 2)
    assert [text_of(row) for row in rows] == ["a     c", "bb    "]
