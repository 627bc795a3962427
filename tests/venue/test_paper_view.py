"""A paper book in the picture: kinds of money beside each other, never added up."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.core import Core
from engine.lab.replay import BOOK
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.events import Print, Quote
from engine.model.instrument import CME_FUTURES
from engine.model.orders import AccountKind
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import ScriptedReplay, idea

MNQ = CME_FUTURES["MNQ"]


def entered(play: ScriptedReplay) -> Iterator[Quote | Print]:
    yield from play.minutes(2)
    yield from play.pass_time(2)


def test_kinds_of_money_are_never_added_up() -> None:
    play = ScriptedReplay(entered, [idea()], paper=PaperConfig())
    view = picture(play.core, 1, HealthView(ok=True))
    assert view.mode is AccountKind.PRACTICE, "the strictest kind there is"
    assert {book.book: book.kind for book in view.books} == {
        PAPER: AccountKind.PAPER,
        BOOK: AccountKind.PRACTICE,
    }
    mnq = next(contract for contract in view.contracts if contract.instrument == "MNQ")
    held = {position.book: position.qty for position in view.positions}
    assert (mnq.position_qty, mnq.paper_qty) == (held[BOOK], held[PAPER])


def test_an_account_that_is_still_to_come_counts_as_live_and_the_badge_with_it() -> None:
    config = EngineConfig(
        (MNQ,),
        "x",
        "t",
        1,
        TradingSwitch.PAPER,
        books=(BookConfig("topstepx"), BookConfig(PAPER, paper=PaperConfig())),
    )
    core = Core(config, ScriptedStrategy([]))
    core.start(T0)
    assert picture(core, 1, HealthView(ok=True)).mode is AccountKind.LIVE
    nobody = Core(replace(config, books=config.books[1:]), ScriptedStrategy([]))
    nobody.start(T0)
    assert picture(nobody, 1, HealthView(ok=True)).mode is AccountKind.LIVE
