"""Alerts and log lines as rows."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.market import Side
from engine.model.notices import LogLine, Notice, NoticeKind, Severity, SignalFacts
from engine.model.view import (
    View,
)
from tests.tui.charts import NOW
from tests.tui.states import state_of
from tui.rows import messages
from tui.styled_text import text_of


def _notice(seq: int, severity: Severity, text: str, kind: NoticeKind = NoticeKind.RISK) -> Notice:
    return Notice(seq, NOW, kind, severity, text)


def test_the_alert_line_shows_what_waits_before_what_is_new(view: View) -> None:
    notices = [
        _notice(1, Severity.CRITICAL, "no stop"),
        _notice(2, Severity.WARNING, "half of the limit"),
        _notice(3, Severity.INFO, "cash open"),
    ]
    line = text_of(messages.alert_line(state_of(view, notices=notices), 60))
    assert "half of the limit" in line
    assert line.endswith("(+1)")
    assert messages.unacknowledged(state_of(view, notices=notices)) == 2
    seen = state_of(view, notices=notices, acknowledged=3)
    assert "cash open" in text_of(messages.alert_line(seen, 60))
    assert messages.unacknowledged(seen) == 0


def test_what_has_recovered_waits_no_longer(view: View) -> None:
    down = replace(_notice(1, Severity.CRITICAL, "the journal can't be written"), alarm="journal")
    link = replace(_notice(2, Severity.WARNING, "user hub lost"), alarm="user")
    well = replace(_notice(3, Severity.INFO, "the journal is written again"), ends=("journal",))
    waiting = state_of(view, notices=[down, link, well], over={"journal": 3})
    assert messages.unacknowledged(waiting) == 1
    assert "user hub lost" in text_of(messages.alert_line(waiting, 60))
    again = replace(down, seq=4)
    assert messages.unacknowledged(state_of(view, notices=[down, again], over={"journal": 3})) == 1


def test_repeated_refusals_are_one_line_and_fills_stay(view: View) -> None:
    def refused(seq: int, score: str, text: str = "refused: 2 of 5 frames agree") -> Notice:
        words = f"short ES {score} {text}"
        return replace(_notice(seq, Severity.INFO, words, NoticeKind.REFUSAL), instrument="ES")

    fill = _notice(3, Severity.GOOD, "bought 2 MNQ @ 21028.50", NoticeKind.FILL)
    other = refused(4, "5.0", "refused: reward to risk is too small")
    notices = [refused(1, "5.1"), refused(2, "4.9"), fill, other, refused(5, "5.3")]
    rows = [text_of(row).strip() for row in messages.alert_rows(state_of(view, notices=notices), 90)]
    assert [row[11:] for row in rows] == [
        "short ES 5.3 refused: 2 of 5 frames agree ×3",
        "short ES 5.0 refused: reward to risk is too small",
        "bought 2 MNQ @ 21028.50",
    ]


def test_what_a_venue_refuses_again_and_again_is_one_line(
    view: View,
) -> None:
    again = [f"stop order sell 2 MNQ stop {at} rejected by the venue" for at in ("20990", "20990", "20980")]
    notices = [_notice(seq, Severity.CRITICAL, text, NoticeKind.ORDER) for seq, text in enumerate(again, 1)]
    rows = [text_of(row).strip()[11:] for row in messages.alert_rows(state_of(view, notices=notices), 90)]
    assert rows == [again[2], f"{again[0]} ×2"]


def test_an_alarm_that_is_over_is_told_calmly(view: View) -> None:
    link = replace(_notice(1, Severity.WARNING, "market link stale"), alarm="market")
    for over, style in (({}, "warn"), ({"market": 2}, "dim")):
        [row] = messages.alert_rows(state_of(view, notices=[link], over=over), 60)
        assert [worn for text, worn in row if "market link stale" in text] == [style]


def test_alerts_are_newest_first_wrapped_and_literal(view: View) -> None:
    nasty = "[red]x[/] \x1b[2J " + "word " * 20
    notices = [_notice(1, Severity.INFO, "old"), _notice(2, Severity.WARNING, nasty)]
    rows = [text_of(row) for row in messages.alert_rows(state_of(view, notices=notices), 40)]
    assert "[red]x[/] ·[2J" in rows[0]
    assert len(rows) > 3
    assert "old" in rows[-1]
    assert "\x1b" not in "".join(rows)


def test_a_signal_says_its_plan_where_that_costs_no_line(view: View) -> None:
    facts = SignalFacts(
        Side.BUY, 2, Decimal("21028.50"), Decimal("21020.00"), (Decimal("21041.25"), Decimal("21052.00")),
        Decimal("36.44"), "zones",
    )  # fmt: skip
    notice = replace(_notice(1, Severity.INFO, "long MNQ 7.4: entering 2", NoticeKind.SIGNAL), signal=facts)
    state = state_of(view, notices=[notice])
    (wide,) = messages.alert_rows(state, 100)
    assert "entering 2  stop 21020.00 to 21041.25 21052.00 risk 36.44 USD" in text_of(wide)
    (narrow,) = messages.alert_rows(state, 44)
    assert "stop" not in text_of(narrow)


@pytest.mark.parametrize(
    ("level", "words", "passes"),
    [
        ("DEBUG", "", True),
        ("WARNING", "", False),
        ("INFO", "HUB", True),
        ("INFO", "stream", True),
        ("INFO", "zz", False),
    ],
)
def test_the_log_filter(level: str, words: str, passes: bool) -> None:
    line = LogLine(1, NOW, "INFO", "adapters.projectx.stream", "market hub connected")
    assert messages.log_passes(line, level, words) is passes


def test_an_unknown_level_counts_as_info() -> None:
    assert messages.log_passes(LogLine(1, NOW, "NOTICE", "x", "y"), "INFO", "")
