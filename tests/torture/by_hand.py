"""What a person does with a trade by hand while other things go wrong: plain commands that can be drawn, in
which prices are ticks from the market and the trade is the newest one.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from engine.lab.replay import BOOK
from engine.model.commands import (
    AddManual,
    AnyCommand,
    CancelManual,
    ChangeManual,
    PlaceManual,
    ReverseManual,
)
from engine.model.instrument import Instrument
from engine.model.market import Side
from engine.model.orders import OrderType
from engine.state.state import BookState

THIS = "this"
"""Stands for the newest trade."""

COMMANDS: tuple[AnyCommand, ...] = (
    PlaceManual(id="buy", instrument="", side=Side.BUY, sized=True, stop_ticks=40, target_ticks=(80, 160)),
    PlaceManual(
        id="rest",
        instrument="",
        side=Side.BUY,
        sized=True,
        entry=OrderType.LIMIT,
        price=Decimal(-8),
        stop=Decimal(-50),
        targets=(Decimal(90),),
    ),
    ChangeManual(id="entry", order=THIS, price=Decimal(-4)),
    ChangeManual(id="tighten", order=THIS, stop=Decimal(-12)),
    ChangeManual(id="loosen", order=THIS, stop=Decimal(-60)),
    ChangeManual(id="aim", order=THIS, targets=(Decimal(30),)),
    ChangeManual(id="second", order=THIS, add_target=Decimal(120)),
    ChangeManual(id="trail", order=THIS, trail_ticks=20),
    CancelManual(id="back", order=THIS),
    AddManual(id="more", order=THIS, risk_usd=Decimal(40)),
    AddManual(id="more below", order=THIS, qty=1, price=Decimal(-12)),
    AddManual(id="more above", order=THIS, qty=1, price=Decimal(6)),
    ReverseManual(id="turn", instrument=""),
    ReverseManual(id="turn again", instrument="", stop_ticks=30, target_ticks=(60,)),
)


def here(command: AnyCommand, known: Instrument, side: Side, market: int, book: BookState) -> AnyCommand:
    """The same of what is traded in a scene, with prices around the market's, ticks."""
    newest = list(book.plans.values())[-1].plan if book.plans else None
    if isinstance(command, PlaceManual):
        command = structs.replace(command, instrument=known.symbol, side=side, book=BOOK)
    elif isinstance(command, ReverseManual):
        return structs.replace(command, instrument=known.symbol, book=BOOK)
    elif isinstance(command, AddManual | ChangeManual | CancelManual):
        command = structs.replace(command, order="none" if newest is None else newest.plan_id, book=BOOK)
    if not isinstance(command, PlaceManual | ChangeManual | AddManual):
        return command
    sign = side.sign if newest is None or isinstance(command, PlaceManual) else newest.side.sign

    def at(ticks: Decimal | None) -> Decimal | None:
        return None if ticks is None else known.price(market + sign * int(ticks))

    if isinstance(command, AddManual):
        return structs.replace(command, price=at(command.price))
    targets = tuple(price for ticks in command.targets if (price := at(ticks)) is not None)
    command = structs.replace(command, price=at(command.price), stop=at(command.stop), targets=targets)
    if isinstance(command, ChangeManual):
        return structs.replace(command, add_target=at(command.add_target))
    return command
