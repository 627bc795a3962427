"""Coins over whatever market, interruptions and other hands in the account: what must hold at every moment
(docs/semantics.md#spot). That fills less fees in coins add up to the position, `Invariants` watches itself.
"""

from __future__ import annotations

from decimal import Decimal as D

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.commands import Flatten
from tests.support.kinds import COIN, COIN_FEES, KINDS, Kinds, idea

COINS = (COIN.symbol, COIN_FEES.symbol)
MINUTES = 30

moves = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.sampled_from(COINS), st.integers(-6000, 6000), st.integers(1, 60)),
        st.tuples(st.just("others"), st.sampled_from(COINS), st.integers(-40, 40), st.just(0)),
        st.tuples(st.just("flatten"), st.sampled_from(COINS), st.just(0), st.just(0)),
        st.tuples(st.just("restart"), st.just(""), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.just(""), st.just(0), st.integers(0, 4)),
        st.tuples(st.just("minute"), st.just(""), st.just(0), st.just(0)),
    ),
    min_size=6,
    max_size=40,
)


class Scene:
    """Both coins at 3000 dollars; ideas at every minute."""

    def __init__(self, brackets: bool) -> None:
        script = [
            (60 * minute, idea(symbol, -2000, 4000, 8000))
            for minute in range(1, MINUTES + 1)
            for symbol in COINS
        ]
        self.own = not brackets
        """Stop and target are tstream's own: both can fill, and what was sold twice is bought back."""
        self.run = Kinds(*script, brackets=brackets)
        self.others = dict.fromkeys(COINS, D(0))
        self.prices = dict.fromkeys(COINS, 300_000)
        self.commands = 0
        self.tick()

    def tick(self, symbol: str | None = None, size: int = 10_000) -> None:
        for one in COINS if symbol is None else (symbol,):
            self.run.tick(one, self.prices[one], size)

    def act(self, what: str, symbol: str, amount: int, size: int) -> None:
        match what:
            case "price":
                self.prices[symbol] += amount
                self.tick(symbol, size)
            case "others":
                more = max(D(amount) / 1000, -self.others[symbol])
                self.others[symbol] += more
                self.run.wallet.deposit(KINDS[symbol].base, more)
            case "flatten":
                self.commands += 1
                self.run.say(Flatten(id=f"c{self.commands}", book=BOOK, instrument=symbol))
            case "restart":
                # What an outside venue would have kept over the restart of the engine is still there.
                self.run.restart()
            case "wait":
                for _ in range(size):
                    self.run.wait(7)
                    self.tick()
            case "minute":
                for _ in range(6):
                    self.tick()
                    self.run.wait(10.2)
        self.run.wait(0.4)
        self.check()

    def check(self) -> None:
        run = self.run
        has = {one.currency: one.total for one in run.wallet.balances()}
        money, held = D(50_000), dict.fromkeys(COINS, D(0))
        for fill in (record.fill for record in run.written(r.FillApplied)):
            known, sign = KINDS[fill.instrument], fill.side.sign
            money -= known.qty(fill.qty) * known.price(fill.price) * sign + fill.cost_usd
            held[fill.instrument] += known.qty(fill.qty) * sign - fill.fee_base
        told = not run.outgoing
        assert not told or run.wallet.money == money, "money came or went without a fill"
        assert run.wallet.money >= 0, "more was bought than could be paid"
        for symbol in COINS:
            known, position = KINDS[symbol], run.position(symbol).qty
            assert position >= 0 or self.own, "short of a coin"
            assert has[known.base] == held[symbol] + self.others[symbol], "others' coins were touched"
            assert known.qty(position) <= held[symbol], "more is held than was bought and not sold"


@settings(max_examples=12)
@given(moves, st.booleans())
def test_coins_and_money_are_what_fills_made_of_them(
    steps: list[tuple[str, str, int, int]], own: bool
) -> None:
    scene = Scene(brackets=not own)
    for step in steps:
        scene.act(*step)
    scene.run.say(Flatten(id="end", book=BOOK))
    for _ in range(8):
        scene.tick()
        scene.run.wait(3)
    scene.check()
    book = scene.run.book
    assert all(not scene.run.position(symbol).qty for symbol in COINS)
    assert (book.flattening, book.live_orders()) == ({}, [])
    made = sum((trade.net_usd for trade in book.trades), D(0))
    dust = sum((left.worth_usd for left in book.dust.values()), D(0))
    assert scene.run.wallet.money == 50_000 + made - dust, "the trades are not what money came of them"
    assert scene.run.written(r.PositionAdjusted) == []
