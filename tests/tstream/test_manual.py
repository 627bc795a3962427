"""tstream order, over a real control socket: what is sent, what is asked first, and how it ends."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.model.commands import (
    AddManual,
    AnyCommand,
    CancelManual,
    ChangeManual,
    PlaceManual,
    ReduceManual,
    ReverseManual,
)
from engine.model.market import Side
from engine.model.notices import Notice, NoticeKind, Severity
from engine.model.orders import AccountKind, OrderType
from engine.model.plans import MANUAL
from engine.model.view import View
from tests.tstream.running import Engine, serving
from tests.tui.fake import trading_view
from tstream.cli import call
from tstream.paths import Paths

Out = pytest.CaptureFixture[str]
PLACE = ["order", "place", "buy", "MNQ", "--qty", "2", "--stop-ticks", "40", "--target-ticks", "80"]


class Taking(Engine):
    """Takes every command, and keeps it."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.taken: list[AnyCommand] = []

    def obey(self, command: AnyCommand) -> Notice:
        self.taken.append(command)
        return self.tell(NoticeKind.COMMAND, "taken", Severity.INFO, command_id=command.id, done=True)


def _sent(places: Paths, view: View, argv: list[str], code: int = 0) -> list[AnyCommand]:
    engine = Taking(view)
    with serving(engine, places.control_socket):
        assert call(argv) == code
    return list(engine.taken)


def test_a_quantity_is_counted_as_people_do(places: Paths, capsys: Out) -> None:
    view = trading_view()
    btc = replace(view.contracts[0], instrument="BTCUSDT", name="BTCUSDT", lot_size=Decimal("0.00001"))
    both = replace(view, contracts=(*view.contracts, btc))
    coin = ["order", "place", "buy", "BTCUSDT", "--stop-ticks", "40", "--yes", "--qty"]
    [sent] = _sent(places, both, [*coin, "0.01"])
    assert isinstance(sent, PlaceManual)
    assert sent.qty == 1000
    [sent] = _sent(places, both, ["order", "close", "BTCUSDT", "--yes", "--qty", "0.00002"])
    assert isinstance(sent, ReduceManual)
    assert sent.qty == 2
    for wrong in ("0.000001", "0", "-1", "nan", "inf", "1e99", "1e-99", "x"):
        assert _sent(places, both, [*coin, wrong], 2) == []
        assert wrong in capsys.readouterr().err
    assert _sent(places, both, [*PLACE[:4], "--yes", "--stop-ticks", "40", "--qty", "1.5"], 2) == []
    assert "MNQ is traded in steps of 1" in capsys.readouterr().err


def test_what_is_typed_is_what_is_sent(places: Paths) -> None:
    argv = "order place sell MNQ --risk 100 --limit 20100 --stop 20110.5 --target 20080 --target 20060"
    view = trading_view()
    [sent] = _sent(places, view, [*argv.split(), "--minutes", "30", "--override", "hours", "--id", "x"])
    assert sent == PlaceManual(
        id="x",
        source="cli",
        instrument="MNQ",
        side=Side.SELL,
        risk_usd=Decimal(100),
        entry=OrderType.LIMIT,
        price=Decimal(20100),
        stop=Decimal("20110.5"),
        targets=(Decimal(20080), Decimal(20060)),
        minutes=30,
        override=("hours",),
    )
    [changed] = _sent(places, view, ["order", "modify", "3-17", "--stop", "19985.25", "--id", "y"])
    assert changed == ChangeManual(id="y", source="cli", order="3-17", stop=Decimal("19985.25"))
    dry = ["order", "modify", "3-17", "--target", "20100", "--override", "pause", "--dry-run", "--id", "d"]
    [changed] = _sent(places, view, dry)
    assert changed == ChangeManual(
        id="d", source="cli", order="3-17", targets=(Decimal(20100),), override=("pause",), dry_run=True
    )
    [cancelled] = _sent(places, view, ["order", "cancel", "3-17", "--id", "z"])
    assert cancelled == CancelManual(id="z", source="cli", order="3-17")
    [reduced] = _sent(places, view, ["order", "close", "mnq", "--qty", "1", "--id", "p"])
    assert reduced == ReduceManual(id="p", source="cli", instrument="MNQ", qty=1)


def test_a_trade_is_added_to_reversed_given_targets_and_followed(places: Paths, capsys: Out) -> None:
    view = trading_view()
    many = "order modify 3-17 --add-target 20025 --drop-target 20010 --trail-ticks 30 --id y"
    [changed] = _sent(places, view, many.split())
    assert changed == ChangeManual(
        id="y",
        source="cli",
        order="3-17",
        add_target=Decimal(20025),
        drop_targets=(Decimal(20010),),
        trail_ticks=30,
    )
    turn = ["order", "reverse", "MNQ", "--stop-ticks", "40", "--target-ticks", "80", "--id", "r"]
    [reversed_] = _sent(places, view, turn)
    assert reversed_ == ReverseManual(
        id="r", source="cli", instrument="MNQ", stop_ticks=40, target_ticks=(80,)
    )
    plan = replace(view, orders=(replace(view.orders[0], plan="3-17", instrument="MNQ"),))
    [added] = _sent(places, plan, ["order", "add", "3-17", "--qty", "2", "--id", "a"])
    assert added == AddManual(id="a", source="cli", order="3-17", qty=2)
    at_limit = ["order", "add", "3-17", "--qty", "2", "--limit", "19980", "--minutes", "5", "--id", "a"]
    assert _sent(places, plan, at_limit) == [replace(added, price=Decimal(19980), minutes=5)]
    assert _sent(places, view, ["order", "add", "9-9", "--qty", "2", "--id", "a"], 2) == []
    assert "no trade with orders is called 9-9" in capsys.readouterr().err


def test_one_line_may_go_into_several_books(places: Paths, capsys: Out) -> None:
    view = trading_view()
    two = replace(view, books=(*view.books, replace(view.books[0], book="second")))
    names = (view.books[0].book, "second")
    line = "order place buy MNQ --sized --stop-ticks 40 --dry-run --id b"
    [sent] = _sent(places, two, [*line.split(), "--all-books"])
    assert isinstance(sent, PlaceManual)
    assert (sent.book, sent.books, sent.sized, sent.qty) == (None, names, True, None)
    [sent] = _sent(places, two, [*line.split(), "--book", "second"])
    assert isinstance(sent, PlaceManual)
    assert (sent.book, sent.books) == ("second", ())
    assert _sent(places, two, [*line.split(), "--book", "second", "--all-books"], 2) == []
    assert "give one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([*PLACE, "--limit", "1", "--stop-entry", "2"], "two ways in"),
        ([*PLACE, "--book", "nowhere"], "the engine has no book nowhere"),
        ([*PLACE, "--stop", "x"], '"x" is no number'),
        (["order", "place", "hold", "MNQ"], "hold"),
        (["order", "place", "buy", "XYZ"], "the engine does not trade XYZ; it trades MNQ"),
    ],
)
def test_what_makes_no_sense_is_not_sent(places: Paths, capsys: Out, argv: list[str], words: str) -> None:
    assert not _sent(places, trading_view(), argv, 2)
    assert words in capsys.readouterr().err


def test_real_money_is_asked_about_first(places: Paths, capsys: Out) -> None:
    view = trading_view()
    view = replace(view, books=tuple(replace(book, kind=AccountKind.LIVE) for book in view.books))
    assert not _sent(places, view, PLACE, 2)
    assert "say --yes" in capsys.readouterr().err
    assert _sent(places, view, [*PLACE, "--yes"])
    assert _sent(places, view, [*PLACE, "--dry-run"])
    assert not _sent(places, view, ["order", "modify", "3-17", "--stop", "1"], 2)
    assert _sent(places, view, ["order", "modify", "3-17", "--stop", "1", "--dry-run"])


def test_orders_by_hand_are_listed(places: Paths, capsys: Out) -> None:
    view = trading_view()
    first = replace(view.orders[0], strategy=MANUAL, plan="3-17")
    view = replace(view, orders=(first, *view.orders[1:]))
    _sent(places, view, ["order", "list"])
    assert capsys.readouterr().out.startswith(f"3-17  {first.book}  {first.slot}")
    _sent(places, view, ["order", "list", "--json"])
    assert [one["plan"] for one in json.loads(capsys.readouterr().out)] == ["3-17"]
    _sent(places, trading_view(), ["order", "list"])
    assert capsys.readouterr().out == "no order by hand stands\n"
