"""From what a room says to ticks of what is traded: the room's bounds, and the market's."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.model.alerts import Grade, Reason, Terms
from engine.model.instrument import CME_FUTURES
from engine.model.market import NANOS, Side
from engine.model.rooms import AlertRoom, GradeSizes
from engine.strategies.alerts import rooms, sanity
from engine.strategies.alerts.alert import Alert, Unread
from engine.strategies.alerts.room import RoomParser
from engine.strategies.alerts.sanity import Market

D = Decimal
MES = CME_FUTURES["MES"]
INSTRUMENTS = {symbol: CME_FUTURES[symbol] for symbol in ("MES", "MNQ", "MGC")}
ROOM = AlertRoom("jm", {"ES": "MES", "NQ": "MNQ"})
ALERT = Alert("ES", Side.BUY, D(6326), D(6316), Grade.B)


def _mirrored(alert: Alert) -> Alert:
    """The same trade, upside down around its entry."""
    turn = 2 * alert.entry
    targets = tuple(turn - target for target in alert.targets)
    return replace(alert, side=alert.side.opposite, stop=turn - alert.stop, targets=targets)


def test_an_es_alert_is_a_trade_in_mes() -> None:
    read = sanity.terms(ALERT, ROOM, INSTRUMENTS)
    assert read == Terms("MES", Side.BUY, 25_304, 25_264, (25_332, 25_352), 2, Grade.B)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"root": "CL"}, Reason.UNKNOWN_CONTRACT),
        ({"root": "E"}, Reason.UNKNOWN_CONTRACT),
        ({"entry": D("NaN")}, Reason.BAD_PRICE),
        ({"stop": D("Infinity")}, Reason.BAD_PRICE),
        ({"entry": D("1E+999999")}, Reason.BAD_PRICE),
        ({"stop": D(-5)}, Reason.BAD_PRICE),
        ({"targets": (D("sNaN"),)}, Reason.BAD_PRICE),
        ({"stop": D(6326)}, Reason.STOP_SIDE),
        ({"stop": D(6327)}, Reason.STOP_SIDE),
        ({"stop": D("6324.25")}, Reason.STOP_DISTANCE),
        ({"stop": D("6275.75")}, Reason.STOP_DISTANCE),
        ({"stop": D("6316.1")}, Reason.OFF_GRID),
        ({"entry": D("6326.0001")}, Reason.OFF_GRID),
        ({"targets": (D("6330.3"),)}, Reason.OFF_GRID),
        ({"targets": (D(6326),)}, Reason.TARGET_ORDER),
        ({"targets": (D(6320),)}, Reason.TARGET_ORDER),
        ({"targets": (D(6340), D(6330))}, Reason.TARGET_ORDER),
        ({"targets": (D(6340), D(6340))}, Reason.TARGET_ORDER),
        ({"targets": (D(6330), D(6331), D(6331))}, Reason.TARGET_ORDER),
        ({"grade": None}, Reason.NO_SIZE),
    ],
)
def test_what_makes_no_sense_is_a_reason(changes: dict[str, Any], reason: Reason) -> None:
    wrong = replace(ALERT, **changes)
    for alert in (wrong,) if reason is Reason.BAD_PRICE else (wrong, _mirrored(wrong)):
        read = sanity.terms(alert, ROOM, INSTRUMENTS)
        assert isinstance(read, Unread)
        assert read.reason is reason


@pytest.mark.parametrize("stop", ["6324", "6276"])
def test_the_bounds_of_the_stop_are_allowed_themselves(stop: str) -> None:
    for alert in (replace(ALERT, stop=D(stop)), _mirrored(replace(ALERT, stop=D(stop)))):
        assert isinstance(sanity.terms(alert, ROOM, INSTRUMENTS), Terms)


def test_targets_of_the_text_go_before_the_rooms() -> None:
    alert = replace(ALERT, targets=(D("6330.5"),))
    read = sanity.terms(alert, ROOM, INSTRUMENTS)
    assert isinstance(read, Terms)
    assert read.targets == (25_322,)


def test_an_alert_without_a_letter_takes_the_rooms_default() -> None:
    read = sanity.terms(replace(ALERT, grade=None), replace(ROOM, default_size=4), INSTRUMENTS)
    assert isinstance(read, Terms)
    assert (read.qty, read.grade) == (4, None)


@pytest.mark.parametrize(
    ("root", "symbol"),
    [("ES", "MES"), ("ESM6", "MES"), ("ESH27", "MES"), ("NQZ26", "MNQ"), ("ESM", None), ("ESA6", None),
     ("ESM266", None), ("MES", None), ("", None), ("6", None)],
)  # fmt: skip
def test_f29_a_month_means_its_root(root: str, symbol: str | None) -> None:
    assert sanity.symbol_for(root, ROOM.contracts) == symbol


def test_a_root_that_begins_like_another_is_its_own() -> None:
    assert sanity.symbol_for("MESM6", {"ME": "MNQ", "MES": "MES"}) == "MES"


LONG = Terms("MES", Side.BUY, 25_304, 25_264, (25_332, 25_352), 2, Grade.B)
SHORT = Terms("MES", Side.SELL, 25_304, 25_344, (25_276, 25_256), 2, Grade.B)


@pytest.mark.parametrize(
    ("market", "found"),
    [
        (Market(25_303, 25_304, 25_303, 0), 25_304),
        (Market(25_303, 25_304, 25_303, 10 * NANOS), 25_304),
        (Market(25_303, 25_304, 25_303, 10 * NANOS + 1), Reason.NO_MARKET),
        (Market(None, None, None, 0), Reason.NO_MARKET),
        (Market(25_303, 25_304, 25_303, None), Reason.NO_MARKET),
        (Market(25_303, None, 25_305, 0), 25_305),
        (Market(25_323, 25_324, 25_323, 0), 25_324),
        (Market(25_324, 25_325, 25_324, 0), Reason.FAR_FROM_MARKET),
        (Market(25_283, 25_284, 25_284, 0), 25_284),
        (Market(25_282, 25_283, 25_283, 0), Reason.FAR_FROM_MARKET),
        (Market(2_530, 2_531, 2_530, 0), Reason.FAR_FROM_MARKET),
        (Market(25_303, 25_304, 25_264, 0), Reason.PASSED),
        (Market(25_303, 25_304, 25_332, 0), Reason.PASSED),
    ],
)
def test_the_market_decides_last(market: Market, found: int | Reason) -> None:
    read = sanity.against_market(LONG, ROOM, MES, market)
    assert (read.reason if isinstance(read, Unread) else read) == found


@pytest.mark.parametrize(
    ("bid", "found"), [(25_304, 25_304), (25_284, 25_284), (25_283, Reason.FAR_FROM_MARKET)]
)
def test_a_short_is_entered_at_the_bid(bid: int, found: int | Reason) -> None:
    read = sanity.against_market(SHORT, ROOM, MES, Market(bid, bid + 1, bid, 0))
    assert (read.reason if isinstance(read, Unread) else read) == found


def test_the_idea_has_the_alerts_own_prices() -> None:
    idea = sanity.idea(LONG, ROOM, "alert:jm:1", 25_306, 7)
    assert (idea.reference, idea.stop, idea.targets, idea.stop_ticks) == (
        25_306,
        25_264,
        (25_332, 25_352),
        42,
    )
    assert (idea.strategy, idea.origin, idea.reasons) == ("jm", "alert:jm:1", ("alert B",))


PRICES = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.decimals(6_200, 6_400, places=2),
    st.integers(25_200, 25_400).map(lambda ticks: D(ticks) / 4),
)


@given(
    st.builds(
        Alert,
        st.sampled_from(["ES", "NQ", "ESM6", "CL", ""]),
        st.sampled_from(Side),
        PRICES,
        PRICES,
        st.sampled_from([*Grade, None]),
        st.lists(PRICES, max_size=4).map(tuple),
    ),
    st.booleans(),
)
def test_nothing_raises_and_what_passes_is_sound(alert: Alert, running: bool) -> None:
    read = sanity.terms(alert, ROOM, INSTRUMENTS, running=running)
    if isinstance(read, Unread):
        assert read.text
        return
    sign = read.side.sign
    known = INSTRUMENTS[read.instrument]
    assert known.price(read.entry) == alert.entry
    assert known.price(read.stop) == alert.stop
    ahead = [(target - read.entry) * sign for target in read.targets]
    assert ahead == sorted(ahead)
    assert ahead[0] > 0
    assert read.qty >= 1
    if not running:
        assert ROOM.stop_nearest <= known.price((read.entry - read.stop) * sign) <= ROOM.stop_farthest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parser": "mine"}, "its parser mine is not known (known: futures-room)"),
        ({"contracts": {}}, "it maps no contract"),
        ({"contracts": {"ES": "NQ"}}, "ES is mapped to NQ, which is not among the contracts (MES, MNQ, MGC)"),
        ({"contracts": {"ES": "MGC"}}, "their ticks differ (0.25, 0.10)"),
        ({"contracts": {"es": "MES"}}, "'es' is no contract's name"),
        ({"sizes": GradeSizes(c=0)}, "sizes must be A ≥ B ≥ C ≥ 1, and are A 0, B 0, C 0"),
        ({"sizes": GradeSizes(c=2, b=1)}, "are A 6, B 1, C 2"),
        ({"sizes": GradeSizes(c=1, b=3, a=2)}, "are A 2, B 3, C 1"),
        ({"default_size": -1}, "less than one contract"),
        ({"stop_nearest": D(60)}, "the nearest stop"),
        ({"targets": (D(12), D(7))}, "the nearer one first"),
        ({"targets": (D(1), D(2), D(3))}, "up to 2 distances"),
        ({"entry_distance": D(0)}, "more than 0 points"),
        ({"max_age_ns": 0}, "ages must be above 0"),
        ({"max_trades": -1}, "limits can't be below 0"),
    ],
)
def test_a_room_that_makes_no_sense_is_told_at_the_start(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(rooms.RoomError, match=r"^room jm: ") as error:
        rooms.check((replace(ROOM, **changes),), INSTRUMENTS, {})
    assert said in str(error.value)


def test_rooms_that_make_sense_pass_and_names_are_their_own() -> None:
    rooms.check((ROOM, replace(ROOM, name="other", contracts={"RTY": "MNQ"})), INSTRUMENTS, {})
    with pytest.raises(rooms.RoomError, match=r"room jm: is configured twice"):
        rooms.check((ROOM, ROOM), INSTRUMENTS, {})


def test_a_plug_in_is_found_by_its_name() -> None:
    plugin = RoomParser(variants=True)
    assert rooms.parser_of(replace(ROOM, parser="mine"), {"mine": plugin}) is plugin
    assert rooms.parser_of(ROOM, {}) is rooms.STRICT
    assert rooms.parser_of(replace(ROOM, variants=True), {}) is rooms.VARIANTS
