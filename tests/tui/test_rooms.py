"""Messages of alert rooms on the screen: what they say, what came of them, how fast, and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.alerts import Reason, Verdict
from engine.model.events import AlertKind, LinkState
from engine.model.market import NANOS
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.orders import AccountKind
from engine.model.view import AlertView, LinkView, View
from tests.tui import fake, rooms
from tests.tui.charts import NOW
from tests.tui.cockpit import Cockpit
from tui.rows import links, messages
from tui.rows import room_messages as rows
from tui.rows.bars import status
from tui.screen_state import ScreenState
from tui.styled_text import Row, text_of, width_of
from tui.view_facts import link_state

WIDE = 160


def state_of(view: View, **more: object) -> ScreenState:
    return ScreenState(view, "MNQ", **{"notices": view.notices, **more})  # type: ignore[arg-type]


def of(*alerts: AlertView, view: View | None = None) -> ScreenState:
    """A state with these messages and no notices."""
    return ScreenState(replace(view or fake.trading_view(), alerts=alerts), "MNQ")


def lines(state: ScreenState, width: int = WIDE) -> list[str]:
    return [text_of(row) for row in messages.alert_rows(state, width)]


def style_of(row: Row, words: str) -> str:
    (found,) = [style for text, style in row if text.strip() == words]
    return found


def test_a_trade_says_what_the_room_said_what_came_of_it_and_how_fast() -> None:
    (line,) = lines(of(rooms.alert(19)))
    assert line.split("  ")[0] == "09:41:58 ◆ TRADED MES long twi"
    assert "6010 stop 6000 to 6017 6022 A  → bought 3 " in line
    assert line.endswith("order 184 ms answer 231 ms 19s")


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("width", [44, 56, 76, 160])
def test_what_is_not_traded_shows_its_whole_reason_and_its_words(reason: Reason, width: int) -> None:
    shown = lines(of(rooms.unread(60, "gm everyone", reason)), width)
    words = " ".join(" ".join(shown).split())
    assert "⊘ UNREAD twi" in words
    assert reason.sentence in words
    assert "“gm everyone”" in words
    assert "60s" in words


def test_no_message_of_a_room_is_left_out() -> None:
    text = "\n".join(lines(state_of(rooms.view()), 44))
    for word in ("TRADED", "FOLLOWED", "REFUSED", "UNREAD", "CANCELLED"):
        assert word in text
    assert text.count("twi") == len(rooms.alerts())


@pytest.mark.parametrize("width", [44, 160])
@pytest.mark.parametrize(("kind", "word"), [(AlertKind.EDITED, "edited"), (AlertKind.DELETED, "deleted")])
def test_a_changed_message_says_so_at_every_width(kind: AlertKind, word: str, width: int) -> None:
    assert word in " ".join(lines(of(rooms.alert(5, Verdict.FOLLOWED, kind=kind)), width)).split()
    assert word not in " ".join(lines(of(rooms.alert(5, Verdict.FOLLOWED)), width))


@pytest.mark.parametrize(
    ("entered", "closed", "words"),
    [
        (0, False, "entering 3"),
        (0, True, "not filled"),
        (2, False, "bought 2 of 3"),
        (3, True, "bought 3, closed"),
    ],
)
def test_how_far_a_trade_is(entered: int, closed: bool, words: str) -> None:
    (line,) = lines(of(rooms.alert(5, fates=(rooms.fate("practice", entered, closed=closed),))))
    assert f"→ {words} " in line


def test_each_book_has_its_own_end_and_paper_its_word() -> None:
    (line, *_) = lines(state_of(rooms.two_books(), notices=()), 200)
    assert "→ topstepx refused: the trade's risk is above the limit  → PAPER bought 3" in line


def test_a_trade_of_paper_alone_never_looks_like_one_of_live() -> None:
    view = rooms.two_books()
    assert view.mode is AccountKind.LIVE
    text = lines(state_of(view, notices=()), 200)
    assert "⊘ REFUSED MES long twi" in text[0]
    assert " ms" not in text[0]
    (night,) = [line for line in text if "night" in line]
    assert "◆ PAPER TRADED MES long night" in night
    assert rows.times_of(view, view.alerts[0])[0] == 184 * rooms.MS


def test_an_alert_that_no_book_took_is_not_called_traded() -> None:
    none = rooms.alert(5, fates=(rooms.refused("practice", "entries are paused"),))
    state = of(none)
    assert rows.verdict_of(state.view, none) is Verdict.REFUSED
    assert "refused: entries are paused" in lines(state)[0]


@pytest.mark.parametrize(
    ("nanos", "text", "style"),
    [
        (999_600_000, "1000 ms", "text bold"),
        (1_412_000_000, "1412 ms", "warn bold"),
        (12_400_000_000, "12.4 s", "warn bold"),
        (-120_000_000, "−120 ms", "warn bold"),
        (7_200 * NANOS, "2h", "warn bold"),
    ],
)
def test_a_slow_order_stands_out(nanos: int, text: str, style: str) -> None:
    fate = replace(rooms.fate("practice", 3), sent_ns=nanos, answered_ns=None)
    (row,) = messages.alert_rows(of(rooms.alert(5, fates=(fate,))), WIDE)
    assert style_of(row, text) == style


def test_the_rooms_stand_among_the_notices_the_newest_first() -> None:
    shown = [line for line in lines(state_of(rooms.view()), 76) if not line.startswith(" ")]
    assert [line[:8] for line in shown] == sorted((line[:8] for line in shown), reverse=True)
    text = "\n".join(shown)
    assert "long MNQ 7.4: order block held" in text
    assert "long MES 7.0 refused: reward to risk is too small" in text


def test_what_a_message_says_itself_is_not_said_twice() -> None:
    text = "\n".join(lines(state_of(rooms.view())))
    assert "room twi:" not in text


def test_a_later_edit_has_a_line_of_its_own() -> None:
    view = rooms.view()
    later = Notice(
        99, view.alerts[-1].ts + NANOS, NoticeKind.REFUSAL, Severity.WARNING, "an edit is not followed"
    )
    assert any(
        "an edit is not followed" in line for line in lines(state_of(view, notices=(*view.notices, later)))
    )


def test_a_refused_message_waits_to_be_acknowledged() -> None:
    view = rooms.view()
    waiting = state_of(view)
    assert messages.unacknowledged(waiting) == 3
    (row,) = [row for row in messages.alert_rows(waiting, WIDE) if "REFUSED" in text_of(row)]
    assert row[0] == ("09:39:07 ", "text")
    seen = state_of(view, acknowledged=99)
    (row,) = [row for row in messages.alert_rows(seen, WIDE) if "REFUSED" in text_of(row)]
    assert row[0] == ("09:39:07 ", "faint")


def test_one_line_keeps_the_verdict_the_trade_and_the_time() -> None:
    seen = state_of(rooms.view(), acknowledged=99)
    line = text_of(messages.alert_line(seen, 80))
    assert line.startswith(" 09:41:58 ◆ TRADED MES long twi  6010 stop 6000 A  → bought 3 ")
    assert line.endswith(" 184 ms 19s")
    waiting = text_of(messages.alert_line(state_of(rooms.view()), 80))
    assert "⊘ REFUSED MES short twi  its entry is too far" in waiting
    assert waiting.endswith("3m (+2)")


@settings(max_examples=60)
@given(st.integers(30, 220), st.booleans())
def test_every_line_has_its_width(width: int, several: bool) -> None:
    state = state_of(rooms.two_books() if several else rooms.view())
    assert {width_of(row) for row in messages.alert_rows(state, width)} == {width}
    if width >= 60:
        assert width_of(messages.alert_line(state, width)) == width


HOSTILE = (
    "[bold red]buy[/] \x1b[2J\x1b]0;owned\x07 \u202e0016 pots\u202c \u2066x\u2069 \u200b'); DROP TABLE x;--",
    "\x9b31m" + "W" * 5_000,
    "line\n" * 2_000,
    "\U0001f6a8" * 400 + "\ufeff\u200d",
)


_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def _hostile(text: str) -> View:
    fate = replace(rooms.refused(text, text), entered=0)
    bad = (
        rooms.unread(9, text, room=text, text=text),
        rooms.untaken(8, Verdict.REFUSED, Reason.OFF_GRID, excerpt=text, text=text, instrument=text),
        rooms.alert(7, fates=(fate, rooms.fate("practice", 3))),
    )
    told = Notice(1, bad[0].ts, NoticeKind.REFUSAL, Severity.WARNING, text)
    return replace(fake.trading_view(), alerts=bad, notices=(told,))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [44, 116])
def test_hostile_text_is_shown_as_text(text: str, width: int) -> None:
    state = state_of(_hostile(text))
    for row in (*messages.alert_rows(state, width), messages.alert_line(state, width)):
        shown = text_of(row)
        assert width_of(row) == width
        assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
        assert not _REORDERING & {unicodedata.bidirectional(c) for c in shown}
    if text.startswith("[bold"):
        flat = "".join(line.strip() for line in lines(state, width)).replace(" ", "")
        assert "[boldred]buy[/]" in flat
        assert "DROPTABLE" in flat


async def test_hostile_text_does_not_reach_the_terminal() -> None:
    cockpit = Cockpit(_hostile(HOSTILE[0]))
    async with cockpit.app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await cockpit.press(pilot, "6", "z")
        await cockpit.later(pilot)
        drawn = "".join(s.text for strip in cockpit.app.screen._compositor.render_strips() for s in strip)
    assert "[bold red]buy[/]" in drawn
    assert not any(unicodedata.category(c) == "Cc" for c in drawn)
    assert "\u202e" not in drawn


def _link(state: LinkState) -> View:
    view = fake.trading_view()
    room = LinkView("discord", state, "closed by peer", NOW - 40 * NANOS, needed=False)
    return replace(view, links=(room, *view.links))


@pytest.mark.parametrize("state", [LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING])
def test_a_room_that_is_gone_is_seen_but_takes_no_trade_away(state: LinkState) -> None:
    view = _link(state)
    assert link_state(view) is LinkState.LIVE
    assert "● live" in text_of(status.status_row(state_of(view), 160))
    assert "discord" not in text_of(status.status_row(state_of(view), 160))
    long = links.links_part(view).variants[0][1]
    assert f"{state.value.upper()} 40s" in text_of(long)
    assert text_of(long).index("token") < text_of(long).index("discord")
    (short,) = [row for rank, row in links.links_part(view).variants if rank == 14]
    assert text_of(short).startswith("discord ")
    assert not any("error" in style for _, style in long)
    table = links.link_rows(view, 60)
    assert "closed by peer" in text_of(table[-1])
    assert not any("error" in style for _, style in table[-1])


def test_what_trading_needs_is_named_before_a_room() -> None:
    view = _link(LinkState.DOWN)
    market = replace(view.links[1], state=LinkState.STALE)
    both = replace(view, links=(view.links[0], market, *view.links[2:]))
    assert link_state(both) is LinkState.STALE
    (least,) = [row for rank, row in links.links_part(both).variants if rank == 5]
    assert text_of(least).startswith("market ")
