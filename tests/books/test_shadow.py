"""Bots that only signal, the paper book that plays what they say, and the backtest that they promise."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from engine.books.bots import Bot
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig, BotMode
from engine.model.commands import StartBot
from engine.model.config import PaperConfig, TradingSwitch
from engine.model.expectation import Expectation
from engine.model.limits import RiskLimits
from engine.model.market import Side, Timeframe
from engine.model.notices import Notice, NoticeKind
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.scores import PatternSeen
from engine.state.fold import apply
from engine.state.state import State
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]
SHADOW = "paper"
PROMISED = Expectation(60, 0.75, 1.2, 2.0, 2.0, 0.97)
MUCH = RiskLimits(plans_per_contract=5, daily_loss_usd=Decimal(0))


class Promising(ScriptedStrategy):
    expectation = PROMISED


def promised(at: int = 0, side: Side = Side.BUY) -> tuple[int, Idea]:
    """At the first close from `at` on."""
    seen = PatternSeen("level_held", Timeframe.M1, side.sign, at, PRICE, "ranging")
    found = idea(side, targets=(80,))[1]
    return at, replace(found, pattern=seen, expectation=PROMISED)


def bot(name: str, *script: tuple[int, Idea], **terms: Any) -> Bot:
    terms = {"mode": BotMode.SIGNALS, "shadow": SHADOW, **terms}
    return Bot(BotConfig(name, "scripted", **terms), Promising(script, relative=True))


def told(play: ScriptedReplay, kind: NoticeKind = NoticeKind.SIGNAL) -> list[Notice]:
    return [notice for notice in play.core.turn.notices if notice.kind is kind]


def opened(play: ScriptedReplay) -> list[tuple[str, str]]:
    return [(one.plan.bot, one.plan.book) for one in play.written(r.PlanOpened)]


def once(play: ScriptedReplay) -> Market:
    yield from play.minutes(2)


def test_what_it_signals_is_played_in_its_shadow_and_nowhere_else() -> None:
    play = ScriptedReplay(once, [], bots=[bot("one", promised())], paper=PaperConfig())
    assert opened(play) == [("one", SHADOW)]
    assert not play.written(r.IdeaRefused)
    (notice,) = told(play)
    facts = notice.signal
    assert facts is not None
    assert (facts.qty, facts.reward_to_risk, facts.regime, facts.timeframe) == (5, 2.0, "ranging", "1m")
    assert facts.pattern is not None
    assert (facts.pattern.win_rate, facts.pattern.source, facts.pattern.mean_r) == (0.75, "backtest", 1.2)
    assert facts.against == ""


def test_the_switch_trades_it_in_the_books_that_it_names_too() -> None:
    own = bot("one", promised(), mode=BotMode.TRADE, books=(SHADOW, BOOK))
    play = ScriptedReplay(once, [], bots=[own], paper=PaperConfig())
    assert sorted(opened(play)) == [("one", SHADOW), ("one", BOOK)]


def test_a_bot_without_a_shadow_enters_nothing() -> None:
    play = ScriptedReplay(once, [], bots=[bot("one", promised(), shadow="")], paper=PaperConfig())
    assert not opened(play)
    assert {one.refusals for one in play.written(r.IdeaRefused)} == {(Refusal.SIGNALS_ONLY,)}


def test_its_shadow_plays_though_trading_is_off() -> None:
    for always, plays in ((True, True), (False, False)):
        play = ScriptedReplay(
            once,
            [],
            bots=[bot("one", promised())],
            paper=PaperConfig(always=always),
            trading=TradingSwitch.OFF,
        )
        assert bool(opened(play)) is plays


def test_a_signal_that_its_shadow_has_no_room_for_is_told_all_the_same() -> None:
    """Two of one mind stand beside each other; one of another is told and not played."""
    bots = [bot("one", promised()), bot("two", promised()), bot("other", promised(side=Side.SELL))]
    play = ScriptedReplay(once, [], bots=bots, paper=PaperConfig(), paper_risk=MUCH)
    assert opened(play) == [("one", SHADOW), ("two", SHADOW)]
    facts = [notice.signal for notice in told(play)]
    assert [one.side for one in facts if one is not None] == [Side.BUY, Side.BUY, Side.SELL]
    last = facts[-1]
    assert last is not None
    assert "goes the other way there" in last.against
    assert last.qty == 5
    assert last.stop > last.entry > last.targets[0]
    assert last.risk_usd > 0


def test_its_own_trade_that_is_open_is_told_once() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(4)

    start = bot("one", promised(), promised(1))
    play = ScriptedReplay(script, [], bots=[start], paper=PaperConfig(), paper_risk=MUCH)
    assert opened(play) == [("one", SHADOW)]
    assert len(told(play)) == 1


def losing(play: ScriptedReplay) -> Market:
    """Longs that are stopped, one after the other, each from a price that is lower."""
    for number in range(1, 9):
        yield from play.minutes(1)
        yield from play.move(PRICE - number * 60, seconds=2)
    yield from play.minutes(1)


class Eager(Promising):
    """Says the same at every close."""

    def on_bars(self, closed: Any, board: Any) -> Any:
        self._script = [promised()]
        return super().on_bars(closed, board)


def eager(**terms: Any) -> Bot:
    terms = {"mode": BotMode.SIGNALS, "shadow": SHADOW, **terms}
    return Bot(BotConfig("one", "scripted", **terms), Eager([], relative=True))


def test_one_that_is_behind_its_backtest_is_paused_with_the_reason_until_a_person_starts_it() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from losing(play)
        play.say(StartBot(id="1", source="cli", bot="one"))
        yield from play.pass_time(2)

    play = ScriptedReplay(script, [], bots=[eager()], paper=PaperConfig(), paper_risk=MUCH)
    stopped, started = play.written(r.BotSwitched)
    assert not stopped.running
    assert stopped.by.startswith("its backtest: ")
    assert "+1.20 R expected, p 0.0" in stopped.by
    (paused,) = [one for one in told(play, NoticeKind.RISK) if "behind its backtest" in one.text]
    assert "tstream bots start one" in paused.text
    results = [one.r for one in play.written(r.PatternEnded)]
    assert len(results) < 8, "no more of it once it is paused"
    assert all(one < -0.9 for one in results)
    assert started.running
    assert play.core.state.book(SHADOW).results == {}, "it is judged by what comes"
    (view,) = play.core.entries.bots.views(play.core.state)
    assert view.backtest is not None
    assert (view.backtest.live_trades, view.backtest.verdict) == (0, "no trade yet")


def test_a_restart_forgets_neither_the_pause_nor_the_results() -> None:
    play = ScriptedReplay(losing, [], bots=[eager()], paper=PaperConfig(), paper_risk=MUCH)
    again = State()
    for record in play.journal:
        apply(again, r.decode(r.encode(record)))
    assert again.stopped_bots["one"].startswith("its backtest")
    results = again.book(SHADOW).results["one"]
    assert results == play.core.state.book(SHADOW).results["one"]
    assert len(results.r) == len(play.written(r.PatternEnded))
    (view,) = play.core.entries.bots.views(again)
    assert view.backtest is not None
    assert view.backtest.verdict == "below the band"
    assert view.state.startswith("stopped by its backtest")


def test_without_an_error_rate_nothing_is_paused() -> None:
    play = ScriptedReplay(losing, [], bots=[eager(error_rate=0.0)], paper=PaperConfig(), paper_risk=MUCH)
    assert not play.written(r.BotSwitched)
    assert len(play.written(r.PatternEnded)) >= 7


def test_against_another_backtest_results_begin_anew() -> None:
    play = ScriptedReplay(losing, [], bots=[eager()], paper=PaperConfig(), paper_risk=MUCH)
    state = play.core.state
    ended = play.written(r.PatternEnded)[-1]
    plan = next(one.plan for one in play.written(r.PlanOpened) if one.plan.plan_id == ended.plan_id)
    other = replace(plan, plan_id="new", expectation=Expectation(90, 0.5, 0.2, 2.0))
    apply(state, r.PlanOpened(ts=1, plan=other))
    apply(state, replace(ended, plan_id="new", r=0.5))
    results = state.book(SHADOW).results["one"]
    assert (results.expected.trades, results.r) == (90, [0.5])
