"""A part of coins is closed where exits have what they sell: these give it up first, and cover what stays
(docs/semantics.md#closing-a-part-of-coins).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine.lab.replay import BOOK
from engine.model import effects as fx
from engine.model import events as ev
from engine.model.commands import AddManual, ChangeManual, Flatten, ReduceManual
from engine.model.market import Side
from engine.model.orders import Capabilities, OrderType, Slot, VenueOrder
from engine.venue.paper import CAPABILITIES
from tests.support.coins_set_aside import CoinsSetAside
from tests.support.kinds import COIN, Kinds, idea

PRICE, SYMBOL, STOP, TARGET = 300_000, COIN.symbol, 2_000, 4_000
PAIR = replace(CAPABILITIES, native_brackets=False)
ONE_EXIT = replace(PAIR, paired_exits=False)
ANEW = replace(ONE_EXIT, stops_move=False)
VENUES = pytest.mark.parametrize("terms", [PAIR, ONE_EXIT, ANEW], ids=["pair", "one exit", "anew"])


class CoinTrade(CoinsSetAside, Kinds):
    """Coins are held, with their exits, at a venue that sells nothing that an exit has."""

    def __init__(self, terms: Capabilities) -> None:
        self.meets: Callable[[fx.AnyEffect], bool] = lambda effect: False
        """Which requests the venue refuses."""
        self.wishes = self.bare = 0
        """Most lots that were neither in a stop nor in a sale at market at once."""
        self.stops_move = terms.stops_move
        bought = (60, idea(SYMBOL, -STOP, TARGET))
        super().__init__(bought, instruments=[COIN], brackets=False, capabilities=terms)
        self.minute((SYMBOL, PRICE))
        self.at(PRICE)
        self.lots = self.held(SYMBOL)
        self.refused = self.bare = 0

    def execute(self, effect: fx.AnyEffect) -> None:
        if not isinstance(effect, fx.TakeSnapshot) and self.meets(effect):
            self.outgoing.append(ev.reply(effect, self.now, ev.Outcome.REFUSED, "not now"))
        else:
            super().execute(effect)

    def at(self, price: int, seconds: float = 5) -> None:
        """The market is there for a while, which is looked at ten times a second."""
        self.tick(SYMBOL, price)
        for _ in range(int(seconds * 10)):
            self.wait(0.1)
            guarded = sum(rest(one) for one in self.selling() if one.type is not OrderType.LIMIT)
            self.bare = max(self.bare, self.held(SYMBOL) - guarded)

    def selling(self) -> list[VenueOrder]:
        return [one for one in self.venue.orders if one.status.live and one.side is Side.SELL]

    def stops(self) -> list[tuple[int, int | None]]:
        return [(rest(one), one.stop) for one in self.selling() if one.type is OrderType.STOP]

    def targets(self) -> list[int]:
        return [rest(one) for one in self.selling() if one.type is OrderType.LIMIT]

    def close(self, qty: int | None = None) -> str:
        self.wishes += 1
        return self.say(ReduceManual(id=f"part{self.wishes}", instrument=SYMBOL, book=BOOK, qty=qty))

    def parts(self) -> list[int]:
        return [one.qty for one in self.book.orders.values() if one.slot is Slot.PART]


def rest(order: VenueOrder) -> int:
    return order.qty - order.filled_qty


@VENUES
def test_half_is_sold_and_what_stays_keeps_its_exits(terms: Capabilities) -> None:
    made = CoinTrade(terms)
    [(_, price)] = made.stops()
    half = (made.lots + 1) // 2
    goes, stays = COIN.qty_text(half), COIN.qty_text(made.lots - half)
    assert made.close() == f"closing {goes} {SYMBOL} in {BOOK} at market, {stays} stay with their stops"
    made.at(PRICE)
    assert made.held(SYMBOL) == made.lots - half
    assert made.stops() == [(made.lots - half, price)]
    assert made.targets() == ([made.lots - half] if terms.paired_exits else [])
    assert (made.parts(), made.refused) == ([half], 0)
    made.close(made.lots - half)
    made.at(PRICE)
    assert (made.held(SYMBOL), made.selling(), made.book.plans, made.refused) == (0, [], {}, 0)


@VENUES
def test_a_sale_that_is_refused_brings_the_stop_back_whole_and_is_not_tried_again(
    terms: Capabilities,
) -> None:
    made = CoinTrade(terms)
    [(_, price)] = made.stops()
    made.meets = lambda effect: isinstance(effect, fx.PlaceOrder) and effect.type is OrderType.MARKET
    made.close()
    made.at(PRICE)
    assert made.stops() == [(made.lots, price)]
    assert len(made.parts()) == 1
    made.meets = lambda effect: False
    made.close(40)
    made.at(PRICE)
    assert made.say(AddManual(id="more", order=next(iter(made.book.plans)), qty=20)).startswith("adding")
    made.at(PRICE)
    assert sum(qty for qty, _ in made.stops()) == made.held(SYMBOL) == made.lots - 20


@VENUES
def test_a_stop_that_fills_meanwhile_leaves_nothing_and_sells_nothing_twice(terms: Capabilities) -> None:
    made = CoinTrade(terms)
    [(_, price)] = made.stops()
    assert price is not None
    made.close()
    made.at(price - 1, seconds=0.01)
    made.at(price - 2)
    assert (made.held(SYMBOL), made.selling(), int(made.wallet.balances()[0].total)) == (0, [], 0)


@VENUES
def test_a_flatten_waits_for_the_part_and_sells_the_rest(terms: Capabilities) -> None:
    made = CoinTrade(terms)
    made.close()
    made.say(Flatten(id="all", instrument=SYMBOL))
    made.at(PRICE)
    assert (made.held(SYMBOL), made.selling(), made.book.flattening) == (0, [], {})
    assert made.wallet.balances()[0].total == 0


@VENUES
def test_what_is_less_than_the_venue_takes_is_refused_with_its_numbers(terms: Capabilities) -> None:
    made = CoinTrade(terms)
    assert made.close(1) == (
        f"the {COIN.qty_text(1)} {SYMBOL} to close in {BOOK} are worth 0.30 USD, "
        "and the venue takes no order for less than 5 USD: close more or all of it"
    )
    assert "that would stay" in made.close(made.lots - 1)
    made.at(PRICE)
    assert (made.parts(), made.held(SYMBOL)) == ([], made.lots)


@VENUES
def test_its_stop_is_moved_on_every_venue(terms: Capabilities) -> None:
    """Where none can be changed it is cancelled, and the one in its place stands a moment later."""
    made = CoinTrade(terms)
    nearer = PRICE - 1_000
    made.say(ChangeManual(id="c", order=next(iter(made.book.plans)), stop=COIN.price(nearer)))
    made.at(PRICE)
    assert made.stops() == [(made.lots, nearer)]
    assert not made.book.flattening
    assert (made.refused, made.bare) == (0, 0)


def test_a_second_target_makes_room_for_its_stop_first() -> None:
    made = CoinTrade(PAIR)
    further = COIN.price(PRICE + 2 * TARGET)
    made.say(ChangeManual(id="c", order=next(iter(made.book.plans)), add_target=further))
    made.at(PRICE)
    assert sum(qty for qty, _ in made.stops()) == sum(made.targets()) == made.held(SYMBOL) == made.lots
    assert (len(made.stops()), made.refused) == (2, 0)


def test_a_restart_in_between_goes_on_with_it() -> None:
    made = CoinTrade(ONE_EXIT)
    lots = made.lots
    made.meets = lambda effect: isinstance(effect, fx.ModifyOrder)
    made.close()
    made.at(PRICE, seconds=0.1)
    made.meets = lambda effect: False
    made.restart()
    made.at(PRICE)
    assert [qty for qty, _ in made.stops()] == [made.held(SYMBOL)] == [lots - (lots + 1) // 2]
    assert made.refused == 0
