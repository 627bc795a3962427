"""Prices that come late by their nature: paper trades on them, a broker's account only where it is told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from engine.books.opening import PAPER
from engine.core import Core
from engine.model import effects as fx
from engine.model import events as ev
from engine.model import records as r
from engine.model.config import BookConfig, EngineConfig, PaperConfig, TradingSwitch
from engine.model.instrument import CME_FUTURES
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS, Bar, Timeframe
from engine.model.orders import Account, AccountKind
from engine.model.refusals import Refusal
from engine.model.view import HealthView
from engine.runtime.view_builder import picture
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.many_books import long_idea

MNQ = CME_FUTURES["MNQ"]
BROKER, DELAY_NS = "broker", 600 * NANOS
START = T0 - T0 % (5 * MINUTE)
PRICE = 100_000


class Delayed:
    """A core with an account at one venue and a paper book, priced by another one, ten minutes late."""

    def __init__(self, limits: RiskLimits) -> None:
        self.now = START
        self.records: list[r.AnyRecord] = []
        self.effects: list[fx.AnyEffect] = []
        books = (BookConfig("one", BROKER, limits), BookConfig(PAPER, risk=limits, paper=PaperConfig()))
        config = EngineConfig(
            (MNQ,),
            "many",
            "t",
            1,
            TradingSwitch.LIVE,
            books=books,
            templates=(),
            sources={"MNQ": ("yahoo", BROKER)},
        )
        self.core = Core(config, ScriptedStrategy([(START + 20 * MINUTE, long_idea())], relative=True))
        self._take(self.core.start(self.now))
        for venue in ("yahoo", BROKER):
            self.step(
                ev.ContractResolved(
                    ts_recv=0, instrument=MNQ, contract_id=f"{venue}-1", name="MNQU5", venue=venue
                )
            )
        account = Account("1", "ONE", AccountKind.PRACTICE, Decimal(50_000), can_trade=True)
        self.step(ev.AccountAdopted(ts_recv=0, book="one", account=account, venue=BROKER))
        self.link("market", "yahoo", delayed=True)
        self.link("rest", BROKER)
        self.link("token", BROKER)
        self.link("user", BROKER, book="one")
        self.snapshot(0)

    def link(self, name: str, venue: str, *, book: str | None = None, delayed: bool = False) -> None:
        live = ev.LinkState.LIVE
        self.step(ev.LinkChanged(ts_recv=0, link=name, state=live, venue=venue, book=book, delayed=delayed))

    def snapshot(self, since: int) -> None:
        """The account has nothing."""
        known = self.core.books["one"].state.account
        assert known is not None
        taken = ev.SnapshotTaken(
            ts_recv=0, book="one", since=since, account=known, orders=(), fills=(), positions=()
        )
        self.step(taken)

    def step(self, event: ev.AnyEvent) -> None:
        self._take(self.core.step(replace(event, ts_recv=self.now)))

    def _take(self, outcome: tuple[list[r.AnyRecord], list[fx.AnyEffect]]) -> None:
        self.records += outcome[0]
        for effect in list(outcome[1]):
            self.effects.append(effect)
            if isinstance(effect, fx.TakeSnapshot):
                self.snapshot(effect.since)

    def play(self, minutes: int) -> None:
        """So many minutes, each told ten after its end; the time goes on between them."""
        for n in range(minutes):
            open_ts = START + n * MINUTE
            price = PRICE + n
            bar = Bar("MNQ", Timeframe.M1, open_ts, price, price + 2, price - 2, price + 1, 10)
            for second in range(60):
                self.now = max(self.now, open_ts + DELAY_NS + second * NANOS)
                self.step(ev.TimeAdvanced(ts_recv=0))
            self.now = bar.close_ts + DELAY_NS
            self.step(ev.BarReported(ts_recv=0, ts_venue=bar.close_ts, bar=bar, venue="yahoo"))


def test_paper_trades_on_delayed_prices_and_a_broker_is_not_entered() -> None:
    run = Delayed(RiskLimits(max_trades=0, must_be_flat=False))
    run.play(36)
    (refused,) = [one for one in run.records if isinstance(one, r.IdeaRefused)]
    assert refused.book == "one"
    assert refused.refusals == (Refusal.DELAYED,)
    assert "risk.enter_on_delayed_prices" in refused.words[0]
    assert not [one for one in run.effects if isinstance(one, fx.PlaceOrder)]
    opened = [one for one in run.records if isinstance(one, r.PlanOpened)]
    assert [one.plan.book for one in opened] == [PAPER]
    fills = [one.fill for one in run.records if isinstance(one, r.FillApplied) and one.book == PAPER]
    # Given when the close of the twentieth minute was told, ten later: filled at the open of the first one
    # that began after that, a tick worse.
    assert opened[0].plan.created_ts == START + 20 * MINUTE + DELAY_NS
    assert [fill.price for fill in fills] == [PRICE + 31 + 1] * len(fills)
    assert fills


def test_a_setting_with_that_name_lets_an_account_be_entered() -> None:
    run = Delayed(RiskLimits(max_trades=0, must_be_flat=False, enter_on_delayed_prices=True))
    run.play(24)
    assert not [one for one in run.records if isinstance(one, r.IdeaRefused)]
    assert {one.book for one in run.effects if isinstance(one, fx.PlaceOrder)} == {"one"}


@pytest.mark.parametrize("delayed", [True, False])
def test_the_mark_reaches_the_picture(delayed: bool) -> None:
    run = Delayed(RiskLimits())
    run.link("market", "yahoo", delayed=delayed)
    view = picture(run.core, 1, HealthView(ok=True))
    assert [one.delayed for one in view.contracts] == [delayed]
    assert [one.delayed for one in view.links if one.name == "market"] == [delayed]
