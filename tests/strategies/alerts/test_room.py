"""Which messages are alerts: the rooms' own form, its looser kin, and everything that only looks like one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.alerts import Grade, Reason
from engine.model.market import Side
from engine.strategies.alerts.alert import Alert, Unread
from engine.strategies.alerts.room import RoomParser

STRICT = RoomParser()
LOOSE = RoomParser(variants=True)
D = Decimal


@pytest.mark.parametrize(
    ("text", "alert"),
    [
        ("🚨 ES long 6326: A\nStop: 6316\n@everyone", ("ES", Side.BUY, "6326", "6316", "A")),
        ("🚨 ES long 6341: B\nStop: 6332\n@everyone", ("ES", Side.BUY, "6341", "6332", "B")),
        ("🚨 ES long 6352: C GAMMA\nStop: 6344", ("ES", Side.BUY, "6352", "6344", "C")),
        ("🚨 NQ short 15000: B\nStop: 15020", ("NQ", Side.SELL, "15000", "15020", "B")),
        ("ES long 6326.75: A\nStop: 6316.25", ("ES", Side.BUY, "6326.75", "6316.25", "A")),
        ("**🚨 ES long 6326: A**\n__Stop: 6316__", ("ES", Side.BUY, "6326", "6316", "A")),
        ("🚨  es  LONG\t6326 : a\r\n stop : 6316 ", ("ES", Side.BUY, "6326", "6316", "A")),
        ("<@&1050033416185335808> \n🚨 ES long 6301: C\nstarter\nStop: 6291",
         ("ES", Side.BUY, "6301", "6291", "C")),
        ("🚨 ESM26 long 6326: A\nStop: 6316", ("ESM26", Side.BUY, "6326", "6316", "A")),
        ("🚨 E\u200bS lo\u202eng 63\ufeff26: A\x00\nStop: 6316", ("ES", Side.BUY, "6326", "6316", "A")),
    ],
)  # fmt: skip
def test_alerts_in_the_rooms_own_form(text: str, alert: tuple[str, Side, str, str, str]) -> None:
    root, side, entry, stop, grade = alert
    assert STRICT.read(text) == Alert(root, side, D(entry), D(stop), Grade(grade))
    assert LOOSE.read(text) == STRICT.read(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.NOT_AN_ALERT),
        ("out of everything, great day", Reason.NOT_AN_ALERT),
        ("Yesterday was good, today 🚨 ES long 4500: B\nStop: 4490", Reason.NOT_AN_ALERT),
        ("🚨 ES long 6326: D\nStop: 6316", Reason.NO_SIZE),
        ("🚨 ES long 6326: A", Reason.NO_STOP),
        ("Stop: 6316\n🚨 ES long 6326: A", Reason.NO_STOP),
        ("🚨 ES long 6326: A\none\ntwo\nStop: 6316", Reason.NO_STOP),
        ("🚨 ES long 6326: A\nStop: 6316\nStop: 6310", Reason.TWO_STOPS),
        ("🚨 ES long 6,326: A\nStop: 6316", Reason.BAD_PRICE),
        ("🚨 ES long 6326.: A\nStop: 6316", Reason.BAD_PRICE),
        ("🚨 ES long -6326: A\nStop: 6316", Reason.BAD_PRICE),
        ("🚨 ES long 6326: A\nStop: 6316 or so", Reason.BAD_PRICE),
        ("🚨 ES long 6326: A\nStop: 1 OR 1=1; DROP TABLE orders", Reason.BAD_PRICE),
        ("🚨 ES long 12345678: A\nStop: 6316", Reason.BAD_PRICE),
        ("🚨 ES long ６326: A\nStop: 6316", Reason.STRANGE_DIGITS),
        ("🚨 ES long 63²6: A\nStop: 6316", Reason.STRANGE_DIGITS),
        ("🚨 ES long 63⑳: A\nStop: 6316", Reason.STRANGE_DIGITS),
        ("🚨 ES long 632½: A\nStop: 6316", Reason.STRANGE_DIGITS),
        ("🚨 ESESESES long 6326: A\nStop: 6316", Reason.NOT_AN_ALERT),
        ("🚨 ES long 6326: A\nStop: 6316\n🚨 ES long 6330: A\nStop: 6320", Reason.TWO_ALERTS),
        ("🚨" * 100 + " ES long 6326: A\nStop: 6316", Reason.TWO_ALERTS),
        ("🚨 ES long 6326: A\nStop: 6316" + "\nblah" * 200, Reason.TOO_LONG),
        ("🚨 ES long 6326: A\nStop: 6316" + "\n" * 1_000_000, Reason.TOO_LONG),
    ],
)
def test_what_only_looks_like_an_alert(text: str, reason: Reason) -> None:
    read = STRICT.read(text)
    assert isinstance(read, Unread)
    assert read.reason is reason
    assert read.text


@pytest.mark.parametrize(
    ("text", "stop", "targets", "grade"),
    [
        ("ES LONG 4750.25 STOP 4745 T1 4757 T2 4762", "4745", ("4757", "4762"), None),
        ("ES long 4750 stop: 4745 T1: 4757", "4745", ("4757",), None),
        ("ES long 4750 stop 4745 size B", "4745", (), Grade.B),
        ("🚨 ES long 4500: B\nStop: 4490\nTarget 1: 4507\nTarget 2: 4512", "4490", ("4507", "4512"), Grade.B),
        ("ES LONG @ 4525.50\nStop: 4520.50\nT2: 4535\nT1: 4530\nSize: B (2 contracts)", "4520.50",
         ("4530", "4535"), Grade.B),
    ],
)  # fmt: skip
def test_looser_forms_only_where_they_are_wanted(
    text: str, stop: str, targets: tuple[str, ...], grade: Grade | None
) -> None:
    read = LOOSE.read(text)
    assert isinstance(read, Alert)
    assert (read.stop, read.targets, read.grade) == (D(stop), tuple(map(D, targets)), grade)
    if "🚨" not in text:
        assert isinstance(STRICT.read(text), Unread)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ES LONG @ 4525.50\nTarget 1: 4530\nSize: B", Reason.NO_STOP),
        ("ES LONG @ 4525.50: A\nStop: 4520\nSize: B", Reason.TWO_SIZES),
        ("ES LONG @ 4525.50: A\nStop: 4520\nStop: 4510\nT1: 4530", Reason.TWO_STOPS),
    ],
)
def test_looser_forms_have_their_limits(text: str, reason: Reason) -> None:
    read = LOOSE.read(text)
    assert isinstance(read, Unread)
    assert read.reason is reason


PIECES = st.sampled_from(
    ["🚨", " ", "\n", "ES", "NQ", "long", "short", "6326", "6316", ".25", ":", "A", "B", "C", "GAMMA", "Stop",
     "Stop: 6316", "🚨 ES long 6326: A", "T1", "Target 2: 7000", "@everyone", "\u202e", "²", "Size: A", "-"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=14).map("".join)))
def test_no_text_raises_and_none_is_an_alert_that_does_not_say_so(text: str) -> None:
    for parser in (STRICT, LOOSE):
        read = parser.read(text)
        if isinstance(read, Unread):
            assert read.text
            continue
        shown = text.upper()
        assert read.root in shown.replace("\u202e", "")
        assert ("LONG" if read.side is Side.BUY else "SHORT") in shown.replace("\u202e", "")
        assert "STOP" in shown.replace("\u202e", "")
        assert not any(c.isdigit() and not c.isascii() for c in text)
