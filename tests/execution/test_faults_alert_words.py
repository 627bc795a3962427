"""F43: alerts that are taken back, hidden, quoted or over; F45: what stands in one and can't be read.

Made by hand at the venue: asserted on the journal and on the orders that went out.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model import records as r
from engine.model.alerts import Reason, Verdict
from engine.model.notices import NoticeKind
from engine.model.rooms import NO_ALERT_WORDS, AlertRoom
from engine.strategies.alerts.alert import Alert
from engine.strategies.alerts.room import RoomParser
from tests.support.alert_room import LONG, ROOM, at_work, brackets_of, cancelled, entries, in_trade, last

HEAD, STOP = LONG.split("\n")[:2]
ALERT = f"{HEAD}\n{STOP}"
VARIANTS = replace(ROOM, variants=True)

TAKEN_BACK = [
    f"~~{HEAD}~~\n~~{STOP}~~",
    f"~~{ALERT}~~",
    f"~~{HEAD}~~\n{STOP}",
    f"{HEAD}\n~~{STOP}~~",
    f"{HEAD[:-1]}~~A~~\n{STOP}",
    "🚨 NQ long ~~20000~~ 20001: A\nStop: 19990",
    f"{HEAD}\nStop: ~~19990~~ 19991",
    f"~~{ALERT}",
    f"{HEAD} ~~\n{STOP}",
    f"||{ALERT}||",
    f"{HEAD}\n||{STOP}||",
    f"||~~{ALERT}~~||",
    f"{ALERT}\nCANCELLED - do not take",
    f"CANCELLED\n{ALERT}",
    f"{ALERT}\n❌ **cancelled**",
    f"{ALERT}\n[VOID]",
    f"{ALERT}\nplease ignore",
    f"{ALERT}\nwrong room, my mistake",
    f"{ALERT}\nnot a signal",
    f"Alert from this morning\n{ALERT}",
    f"{ALERT}\n12 points gained",
    f"_12 points_\n{ALERT}",
    f"NQ 12 points\n{ALERT}",
    f"{ALERT}\nthis trade: +12",
    f"{ALERT}\nNQ ✅",
    f"{ALERT}\nthis one is cancelled",
    f"{ALERT}\nNQ trade scratched",
    f"{ALERT}\nDon’t take it",
    f"{ALERT}\nnever  mind",
    f"{ALERT}\n\u200bcan\u200bcelled",
    f"{ALERT}\nＣＡＮＣＥＬＬＥＤ",
    f"{ALERT}\nStopped out, -10",
    f"{ALERT}\n-10 points",
    f"{ALERT}\n- +12",
    f"{ALERT}\n**❌**",
    f"{ALERT}\nStatus: CLOSED",
    f"RECAP of yesterday\n{ALERT}",
    f"{ALERT}\nResult: +20",
    f"if 19995 holds:\n{ALERT}",
]


@pytest.mark.parametrize("room", [ROOM, VARIANTS, replace(ROOM, default_size=1)])
@pytest.mark.parametrize("text", TAKEN_BACK)
def test_f43_what_is_taken_back_hidden_or_over_is_no_alert(text: str, room: AlertRoom) -> None:
    bench, jm = at_work(room)
    taken = jm.post(text)
    assert (taken.verdict, taken.reason) == (Verdict.UNREAD, Reason.TAKEN_BACK)
    assert taken.detail
    assert entries(bench) == []
    assert "taken back" in last(bench, NoticeKind.REFUSAL)


@pytest.mark.parametrize("text", TAKEN_BACK)
def test_f43_an_edit_that_takes_back_cancels_what_has_not_filled(text: str) -> None:
    bench, jm = at_work()
    jm.post()
    orders = entries(bench)
    ids = bench.accept(*orders)
    taken = jm.edit(text)
    assert (taken.verdict, taken.reason) == (Verdict.CANCELLED, Reason.TAKEN_BACK)
    assert cancelled(bench) == {order.client_id for order in orders}
    for venue_id in ids:
        bench.end(venue_id)
    bench.wait(2)
    assert not bench.book.plans
    assert len(entries(bench)) == 2, "and nothing new goes out"


def test_f43_an_edit_that_strikes_through_an_open_trade_leaves_it_as_it_is() -> None:
    bench, jm = in_trade()
    taken = jm.edit(f"~~{ALERT}~~")
    assert (taken.verdict, taken.reason) == (Verdict.IGNORED, Reason.TAKEN_BACK)
    bench.obey(3)
    assert len(bench.stops()) == 2
    assert "the trade is open and stays as it is" in last(bench, NoticeKind.REFUSAL)


def test_f43_what_is_corrected_by_striking_a_whole_line_is_read_as_it_stands() -> None:
    _, jm = at_work()
    taken = jm.post(f"{HEAD}\n~~Stop: 19985~~\n{STOP}")
    assert taken.verdict is Verdict.TRADED
    assert taken.terms is not None
    assert taken.terms.stop == 19_990 * 4


def test_f43_an_alert_that_is_no_longer_struck_through_is_traded_while_fresh() -> None:
    bench, jm = at_work()
    jm.post(f"~~{ALERT}~~")
    assert entries(bench) == []
    taken = jm.edit(ALERT)
    assert taken.verdict is Verdict.TRADED


@pytest.mark.parametrize(
    "text",
    [f"> {HEAD}\n> {STOP}", f">>> my alert of this morning\n{ALERT}", f"well said\n>>> {ALERT}"],
)
def test_f43_a_quotation_is_not_what_its_author_says(text: str) -> None:
    bench, jm = at_work()
    taken = jm.post(text)
    assert (taken.verdict, taken.reason) == (Verdict.UNREAD, Reason.NOT_AN_ALERT)
    assert entries(bench) == []


@pytest.mark.parametrize(
    "line",
    [
        "@everyone",
        "GAMMA day",
        "starter",
        "be careful",
        "looking good",
        "no rush",
        "only two today",
        "breaking out here",
        "2 of 3 today",
        "Risk: 0.5%",
        "more in the recap",
        "From: JMoney",
        "Entry: 20,000.00 now",
    ],
)
def test_f43_talk_around_an_alert_is_talk(line: str) -> None:
    bench, jm = at_work()
    jm.post(f"{ALERT}\n{line}")
    assert len(entries(bench)) == 2


SAID_SHORT = (
    "nvm", "cxl", "CXLD", "canx", "pulled", "delete this", "we're out", "No fill", "not filled", "no entry",
    "Not triggered yet", "pass on this", "sit this out", "stand aside", "Too late", "BE hit", "close it here",
    "watchlist:", "Potential setup", "idea only", "looking for this", "Waiting for", "pending", "paper only",
    "On a break of 20001", "once we are above", "when it breaks", "only if it holds",
)  # fmt: skip


@pytest.mark.parametrize("line", SAID_SHORT)
def test_f43_people_take_back_and_put_off_in_few_letters(line: str) -> None:
    for text in (f"{ALERT}\n{line}", f"{line}\n{ALERT}"):
        bench, jm = at_work()
        assert jm.post(text).reason is Reason.TAKEN_BACK
        assert entries(bench) == []


def test_f43_the_words_are_the_rooms() -> None:
    bench, jm = at_work(replace(ROOM, no_alert_words=("annulé", "not this")))
    for number, word in enumerate(("Annulé !", "NOT this one"), 2):
        taken = jm.post(f"{ALERT}\n{word}", number=str(number))
        assert taken.reason is Reason.TAKEN_BACK
    jm.post(f"{ALERT}\ncancelled")
    assert len(entries(bench)) == 2, "what is not on the list is talk"
    assert {"cancelled", "void", "scratch", "ignore", "recap", "result", "closed", "hit"} <= {*NO_ALERT_WORDS}


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("T1: 20,010", Reason.BAD_PRICE, "a target"),
        ("TP1: 20,010", Reason.BAD_PRICE, "a target"),
        ("Target 1: 20010-20012", Reason.BAD_PRICE, "a target"),
        ("Target: 20010/20020", Reason.BAD_PRICE, "a target"),
        ("T1: 20'010", Reason.BAD_PRICE, "a target"),
        ("T1: 20 010", Reason.BAD_PRICE, "a target"),
        ("T1: twenty thousand and ten", Reason.BAD_PRICE, "a target"),
        ("T1: 20k", Reason.BAD_PRICE, "a target"),
        ("T1: ~20010", Reason.BAD_PRICE, "a target"),
        ("T1: 20*010", Reason.BAD_PRICE, "a target"),
        ("T1: 20010 (half)", Reason.BAD_PRICE, "a target"),
        ("T1: ✅", Reason.BAD_PRICE, "a target"),
        ("Targets: 20010, 20020", Reason.BAD_PRICE, "a target"),
        ("take profit at 20010", Reason.BAD_PRICE, "a target"),
        ("🎯 20010", Reason.BAD_PRICE, "a target"),
        ("PT 20010", Reason.BAD_PRICE, "a target"),
        ("20010 / 20020", Reason.BAD_PRICE, "a figure that belongs to nothing"),
        ("7 / 12", Reason.BAD_PRICE, "a figure that belongs to nothing"),
        ("Entry: 20,001", Reason.BAD_PRICE, "a figure that belongs to nothing"),
        ("scale at 20010.50, rest runs", Reason.BAD_PRICE, "a figure that belongs to nothing"),
        ("T1: ２0010", Reason.STRANGE_DIGITS, ""),
        ("T2: 20010", Reason.TARGET_ORDER, "one before it is missing"),
        ("T1: 20010\nT3: 20020", Reason.TARGET_ORDER, "one before it is missing"),
        ("TP: 20010\nT1: 20010", Reason.TARGET_ORDER, "one target is given twice"),
        ("Size: B", Reason.TWO_SIZES, ""),
        ("Size: 2", Reason.TWO_SIZES, ""),
        ("half size", Reason.TWO_SIZES, ""),
        ("2 contracts", Reason.TWO_SIZES, ""),
        ("B", Reason.TWO_SIZES, ""),
        ("move stop to 19995 later", Reason.TWO_STOPS, ""),
        ("SL 19980", Reason.TWO_STOPS, ""),
    ],
)
@pytest.mark.parametrize("room", [ROOM, VARIANTS])
def test_f45_what_belongs_to_an_alert_and_can_t_be_read_refuses_it(
    line: str, reason: Reason, detail: str, room: AlertRoom
) -> None:
    bench, jm = at_work(replace(room, default_size=1))
    taken = jm.post(f"{ALERT}\n{line}")
    assert (taken.verdict, taken.reason, taken.detail) == (Verdict.UNREAD, reason, detail)
    assert entries(bench) == []


@pytest.mark.parametrize(
    "stop", ["19,990", "19'990", "19990-19985", "~19990", "nineteen", "19.990,5", "$19990"]
)
def test_f45_a_stop_that_can_t_be_read_refuses(stop: str) -> None:
    for room in (ROOM, VARIANTS):
        bench, jm = at_work(room)
        taken = jm.post(f"{HEAD}\nStop: {stop}")
        assert (taken.reason, taken.detail) == (Reason.BAD_PRICE, "the stop")
        assert entries(bench) == []


@pytest.mark.parametrize("room", [ROOM, VARIANTS])
@pytest.mark.parametrize("word", ["T", "TP", "Target ", "tp", "T ", "Target"])
def test_f45_tp_is_t_and_the_texts_targets_are_the_trades(word: str, room: AlertRoom) -> None:
    bench, jm = at_work(room)
    jm.post(f"{ALERT}\n{word}1: 20010\n{word}2: 20020.0")
    assert brackets_of(bench) == [(1, -41, 39), (2, -41, 79)]


def test_f45_of_more_targets_than_a_trade_has_the_nearest_are_taken_and_people_are_told() -> None:
    bench, jm = at_work(VARIANTS)
    taken = jm.post("NQ long 20000: A SL 19990 TP1 20010 TP2 20020 TP3 20040")
    assert (taken.verdict, taken.detail) == (Verdict.TRADED, "of its 3 targets the nearest 2 are taken")
    assert brackets_of(bench) == [(1, -41, 39), (2, -41, 79)]
    assert "traded in part: of its 3 targets" in last(bench, NoticeKind.ORDER)
    assert r.decode(r.encode(taken)) == taken


def test_f45_the_one_line_form_reads_what_stands_below_it_too() -> None:
    read = RoomParser(variants=True).read("NQ LONG 20000 STOP 19990\nTP: 20010\nSize: B")
    assert isinstance(read, Alert)
    assert (read.targets, read.grade) == ((Decimal(20_010),), "B")
    bench, jm = at_work(VARIANTS)
    for number, more in enumerate(("\nStop: 19985", " SIZE A\nSize: B", "\nT1: 20,010")):
        taken = jm.post(f"NQ LONG 20000 STOP 19990{more}", number=str(number))
        assert taken.reason in (Reason.TWO_STOPS, Reason.TWO_SIZES, Reason.BAD_PRICE)
    assert entries(bench) == []


@pytest.mark.parametrize("room", [ROOM, VARIANTS])
def test_an_alert_without_a_letter_is_traded_by_default_size_whatever_variants_says(room: AlertRoom) -> None:
    text = "🚨 NQ long 20000\nStop: 19990"
    for size, qty in ((0, 0), (2, 2)):
        bench, jm = at_work(replace(room, default_size=size))
        taken = jm.post(text)
        assert sum(order.qty for order in entries(bench)) == qty
        assert (taken.reason is Reason.NO_SIZE) is not bool(size)


@pytest.mark.parametrize("text", [HEAD.replace("A", "D"), HEAD.replace(" A", ""), "🚨 NQ long 20000\nA"])
def test_a_letter_that_can_t_be_read_takes_no_default(text: str) -> None:
    for room in (ROOM, VARIANTS):
        bench, jm = at_work(replace(room, default_size=1))
        taken = jm.post(f"{text}\n{STOP}")
        assert taken.reason is Reason.NO_SIZE
        assert entries(bench) == []


@pytest.mark.parametrize("text", [f"🚨{ALERT}", f"🚨 NQ\n{ALERT}", f"{ALERT} 🚨", f"{ALERT}\n{HEAD}"])
def test_two_sirens_are_two_alerts(text: str) -> None:
    bench, jm = at_work()
    taken = jm.post(text)
    assert taken.reason is Reason.TWO_ALERTS
    assert entries(bench) == []
