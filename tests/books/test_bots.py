"""Several bots in one run: each has its own contracts, books and limits, and fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from engine.books.bots import Bot, Bots
from engine.lab.replay import BOOK
from engine.market.bars import BarsClosed
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig, BotMode
from engine.model.commands import StartBot, StopBot
from engine.model.config import PaperConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, USUAL, Timeframe
from engine.model.orders import AccountKind
from engine.model.plans import Idea
from engine.model.refusals import Refusal
from engine.model.view_bots import BotResult
from engine.runtime.bot_watch import BUDGET_NS, WatchedStrategy
from engine.signals.board import SignalBoard
from engine.state.fold import apply
from engine.state.state import State
from engine.state.turn import Turn
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]


class Listener(ScriptedStrategy):
    """Keeps what it was asked about."""

    def __init__(self, *script: tuple[int, Idea]) -> None:
        super().__init__(script, relative=True)
        self.heard: list[tuple[str, Timeframe]] = []

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
        self.heard += [(bar.instrument, bar.timeframe) for bar in closed.bars]
        return super().on_bars(closed, board)


class Raising:
    name = "raising"

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
        raise ValueError("no such level")


def bot(name: str, *script: tuple[int, Idea], **terms: Any) -> Bot:
    return Bot(BotConfig(name, "scripted", **terms), Listener(*script))


def minutes(count: int) -> Any:
    return lambda play: play.minutes(count)


def opened(play: ScriptedReplay) -> list[tuple[str, str, str]]:
    return [(one.plan.bot, one.plan.book, one.plan.instrument) for one in play.written(r.PlanOpened)]


def refused(play: ScriptedReplay) -> list[tuple[str, tuple[Refusal, ...]]]:
    return [(one.idea.bot, one.refusals) for one in play.written(r.IdeaRefused)]


def test_two_bots_trade_beside_each_other_each_with_its_own_result() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE - 60, "MNQ", 3)
        yield from play.move(PRICE + 170, "MES", 3)

    first, second = bot("first", idea()), bot("second", idea(instrument="MES", stop=4, targets=(8, 16)))
    play = ScriptedReplay(script, [], bots=[first, second])
    assert opened(play) == [("first", BOOK, "MNQ"), ("second", BOOK, "MES")]
    records = play.book.records
    assert {name: (one.wins, one.losses) for name, one in records.items()} == {
        "first": (0, 1),
        "second": (1, 0),
    }
    net = {trade.instrument: trade.net_usd for trade in play.book.trades}
    assert play.book.bot_usd == {"first": net["MNQ"], "second": net["MES"]}
    assert sum(play.book.bot_usd.values()) == play.book.earned_usd
    shown = {
        one.name: (one.state, one.open_plans, one.day_usd)
        for one in play.core.entries.bots.views(play.core.state)
    }
    assert shown == {"first": ("running", 0, net["MNQ"]), "second": ("running", 0, net["MES"])}


def test_ideas_go_to_the_books_of_the_bot() -> None:
    own = bot("first", idea(), books=("paper",)), bot("second", idea(instrument="MES"), books=(BOOK,))
    play = ScriptedReplay(
        minutes(3), [], bots=own, paper=PaperConfig(), risk=RiskLimits(risk_per_trade_usd=Decimal(900))
    )
    assert sorted(opened(play)) == [("first", "paper", "MNQ"), ("second", BOOK, "MES")]


def test_a_bot_is_asked_about_its_own_bars_only() -> None:
    every, few = bot("every"), bot("few", instruments=("MES",), timeframes=(Timeframe.M5,))
    ScriptedReplay(minutes(11), [], bots=[every, few])
    assert set(few.strategy.heard) == {("MES", Timeframe.M5)}  # type: ignore[attr-defined]
    assert {("MNQ", Timeframe.M1), ("MES", Timeframe.M1)} < set(every.strategy.heard)  # type: ignore[attr-defined]


class Patient(Listener):
    """Looks at timeframes of its own."""

    timeframes = (Timeframe.M2, Timeframe.H4)

    def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
        for symbol in ("MNQ", "MES"):
            assert board.frame(symbol, Timeframe.H4).timeframe is Timeframe.H4
            with pytest.raises(
                ValueError, match="3m is not folded in this run: name it among the strategy's"
            ):
                board.frame(symbol, Timeframe.M3)
        return super().on_bars(closed, board)


def test_only_what_a_bot_or_its_strategy_names_is_folded_and_others_hear_nothing_of_it() -> None:
    usual, named = bot("usual"), bot("named", timeframes=(Timeframe.M10, Timeframe.M1))
    patient = Bot(BotConfig("patient", "scripted"), Patient())
    play = ScriptedReplay(minutes(21), [], bots=[usual, named, patient])
    heard = {one.name: {frame for _, frame in one.strategy.heard} for one in (usual, named, patient)}  # type: ignore[attr-defined]
    assert heard["usual"] == {Timeframe.M1, Timeframe.M5, Timeframe.M15}
    assert heard["named"] == {Timeframe.M1, Timeframe.M10}
    assert heard["patient"] == {Timeframe.M2}
    bars = play.core.market.bars
    assert set(bars.timeframes) == {*USUAL, Timeframe.M2, Timeframe.M10, Timeframe.H4}
    assert len(bars.bars("MNQ", Timeframe.M3)) > 4, "a chart is made of what nobody folds too"
    alone, only = bot("usual"), ScriptedReplay(minutes(21), [])
    ScriptedReplay(minutes(21), [], bots=[alone])
    assert alone.strategy.heard == usual.strategy.heard, "what others need changes nothing"  # type: ignore[attr-defined]
    assert only.core.market.bars.timeframes == USUAL


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"mode": BotMode.SIGNALS}, Refusal.SIGNALS_ONLY),
        ({"instruments": ("MNQ",)}, Refusal.NOT_ITS_OWN),
        ({"min_score_tenths": 81}, Refusal.SCORE),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_a_bot_may_not_is_refused_and_written_down(terms: dict[str, Any], refusal: Refusal) -> None:
    class Stubborn(Listener):
        def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
            found = (
                []
                if self.heard
                else [
                    structs.replace(
                        idea(instrument="MES")[1],
                        ts=closed.ts,
                        reference=PRICE,
                        stop=PRICE - 4,
                        targets=(PRICE + 8,),
                    )
                ]
            )
            self.heard.append(("", Timeframe.M1))
            return found

    one = Bot(BotConfig("one", "scripted", **terms), Stubborn())
    play = ScriptedReplay(minutes(3), [], bots=[one])
    assert refused(play) == [("one", (refusal,))]
    assert opened(play) == []


def limited(terms: dict[str, Any]) -> ScriptedReplay:
    """Enters MNQ, loses it within the minute, and would enter MNQ and ES again."""

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE - 60, "MNQ", 3)
        yield from play.minutes(3)

    start = idea()[1]
    later = structs.replace(start, stop=-30)
    one = bot("one", (0, start), (T0 + 3 * MINUTE, later), **terms)
    return ScriptedReplay(script, [], bots=[one], risk=RiskLimits())


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"max_trades": 1}, Refusal.MAX_TRADES),
        ({"cooldown_ns": 10 * MINUTE}, Refusal.COOLDOWN),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_limits_of_a_bot_are_its_own_and_survive_a_restart(terms: dict[str, Any], refusal: Refusal) -> None:
    assert len(opened(limited({}))) == 2
    play = limited(terms)
    assert len(opened(play)) == 1
    assert refused(play) == [("one", (refusal,))]
    again = State()
    for record in play.journal:
        apply(again, r.decode(r.encode(record)))
    [found] = play.written(r.IdeaRefused)
    book = again.books[BOOK]
    assert [one.refusal for one in play.core.entries.bots.all[0].against(book, found.idea, found.ts)] == [
        refusal
    ]
    other = structs.replace(found.idea, bot="other")
    assert bot("other", **terms).against(book, other, found.ts) == []


def test_open_trades_of_a_bot_are_counted_by_bot() -> None:
    one = bot("one", idea(), idea(instrument="MES", stop=4, targets=(8, 16)), max_open=1)
    play = ScriptedReplay(minutes(3), [], bots=[one])
    assert len(opened(play)) == 1
    assert refused(play) == [("one", (Refusal.MAX_SIZE,))]


def test_one_that_raises_is_out_alone() -> None:
    faults: list[Exception] = []

    def script(play: ScriptedReplay) -> Market:
        play.core.turn.on_fault = faults.append
        yield from play.minutes(3)

    bad = Bot(BotConfig("bad", "raising"), Raising())
    play = ScriptedReplay(script, [], bots=[bad, bot("good", idea())])
    assert opened(play) == [("good", BOOK, "MNQ")]
    assert [(one.bot, one.reason) for one in play.written(r.BotOut)] == [("bad", "failed, see the log")]
    assert len(faults) == 1
    assert play.core.entries.bots.failed(faults[0]) is bad
    states = [one.state for one in play.core.entries.bots.views(play.core.state)]
    assert states == ["out: failed, see the log", "running"]
    told = [notice.text for notice in play.core.turn.notices if "bad" in notice.text]
    assert told == [
        "the bot bad failed and is out until the next start; its positions stay protected and managed"
    ]


def test_one_that_overruns_is_told_then_out_and_its_trade_is_managed_on() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        slow = ev.BotOverran(ts_recv=play.now, bot="slow", times=3, took_ns=312_000_000, budget_ns=BUDGET_NS)
        play.replay.tell(slow)
        assert not play.written(r.BotOut)
        play.replay.tell(structs.replace(slow, bot="nobody"))
        play.replay.tell(slow)
        yield from play.minutes(2)
        assert len(play.stops()) == 2
        yield from play.move(PRICE - 60, seconds=3)

    slow, good = bot("slow", idea()), bot("good")
    play = ScriptedReplay(script, [], bots=[slow, good])
    assert [(one.bot, one.reason) for one in play.written(r.BotOut)] == [("slow", "took too long, 312 ms")]
    assert len(good.strategy.heard) > len(slow.strategy.heard) > 0  # type: ignore[attr-defined]
    assert [trade.reason for trade in play.book.trades] == ["stop"]
    assert play.book.bot_usd["slow"] < 0
    warned = [notice.text for notice in play.core.turn.notices if "is slow" in notice.text]
    assert warned == [
        "the bot slow is slow: 3 of its last calls took over 100 ms, the longest 312 ms; "
        "once more, and it is out"
    ]


@pytest.mark.parametrize(
    ("took_ms", "times"),
    [
        ([900], []),
        ([101, 99, 150], []),
        ([101, 5, 5, 150, 5, 200], [(3, 200)]),
        ([101] + [5] * 9 + [150, 160], []),
        ([101] * 6, [(3, 101), (3, 101)]),
    ],
    ids=["one-pause", "twice", "three-of-ten", "too-long-ago", "counts-anew"],
)
def test_only_repeated_overruns_are_told(took_ms: list[int], times: list[tuple[int, int]]) -> None:
    told: list[ev.BotOverran] = []
    now = 0

    class Slow:
        name = "slow"

        def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
            nonlocal now
            now += took_ms.pop(0) * 1_000_000
            return ()

    watched = WatchedStrategy(Slow(), "mine", told.append, lambda: 7, steady=lambda: now)
    closed, nothing = BarsClosed(0, ()), None
    for _ in list(took_ms):
        watched.on_bars(closed, nothing)  # type: ignore[arg-type]
    assert [(one.times, one.took_ns // 1_000_000) for one in told] == times
    assert all((one.bot, one.ts_recv, one.budget_ns) == ("mine", 7, BUDGET_NS) for one in told)


def test_a_person_stops_and_starts_bots_and_a_restart_keeps_it() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.pass_time(1)
        for command in (StopBot(id="1", bot="first"), StopBot(id="2", bot="first"), StopBot(id="3", bot="x")):
            play.say(command)
        yield from play.minutes(2)
        play.say(StartBot(id="4", source="cli", bot="first"))
        play.say(StartBot(id="5", bot="second"))
        yield from play.minutes(2)

    first, second = bot("first", idea()), bot("second", idea(instrument="MES", stop=4, targets=(8, 16)))
    play = ScriptedReplay(script, [], bots=[first, second])
    assert play.answers() == [
        "the bot first is stopped until tstream bots start first; its trades stay managed",
        "the bot first is stopped already",
        "unknown bot x; this run has first, second",
        "the bot first is asked again",
        "the bot second is running",
    ]
    assert [one.done for one in play.written(r.CommandTaken)] == [True, False, False, True, False]
    assert opened(play) == [("second", BOOK, "MES"), ("first", BOOK, "MNQ")], "the first one after its start"
    stopped, started = (
        next(n for n, one in enumerate(play.journal) if isinstance(one, r.BotSwitched) and one.running is on)
        for on in (False, True)
    )
    again = State()
    for record in play.journal[: stopped + 1]:
        apply(again, r.decode(r.encode(record)))
    assert again.stopped_bots == {"first": "keyboard"}
    kept = Bots([first, second], Turn(again))
    assert kept.ask(first, BarsClosed(0, ()), None) == ()  # type: ignore[arg-type]
    assert [one.state for one in kept.views(again)] == ["stopped by keyboard", "running"]
    apply(again, play.journal[started])
    assert [one.state for one in kept.views(again)] == ["running", "running"]


def test_one_that_is_out_is_put_back_by_a_person() -> None:
    faults: list[Exception] = []

    class Once(Listener):
        """Raises at first."""

        def on_bars(self, closed: BarsClosed, board: SignalBoard) -> Sequence[Any]:
            if not self.heard:
                self.heard.append(("", Timeframe.M1))
                raise ValueError("not yet")
            return super().on_bars(closed, board)

    def script(play: ScriptedReplay) -> Market:
        play.core.turn.on_fault = faults.append
        yield from play.minutes(2)
        play.say(StartBot(id="1", bot="bad"))
        yield from play.minutes(2)

    play = ScriptedReplay(script, [], bots=[Bot(BotConfig("bad", "scripted"), Once(idea()))])
    assert play.answers() == ["the bot bad is asked again (it was out: failed, see the log)"]
    assert opened(play) == [("bad", BOOK, "MNQ")]
    [view] = play.core.entries.bots.views(play.core.state)
    assert (view.state, view.open_plans, view.entries) == ("running", 1, 1)


def test_a_book_may_take_the_ideas_of_its_own_bots_alone() -> None:
    other, own = bot("other", idea()), bot("own", idea(instrument="MES", stop=4, targets=(8, 16)))
    play = ScriptedReplay(minutes(3), [], bots=[other, own], paper=PaperConfig(), paper_bots=("own",))
    assert sorted(opened(play)) == [("other", BOOK, "MNQ"), ("own", "paper", "MES"), ("own", BOOK, "MES")]


def test_costs_of_a_paper_book_may_be_a_share_of_what_is_traded() -> None:
    play = ScriptedReplay(
        minutes(3), [], bots=[bot("one", idea())], paper=PaperConfig(commission_percent=Decimal("0.1"))
    )
    fills = [one.fill for one in play.written(r.FillApplied) if one.book == "paper"]
    assert fills
    for fill in fills:
        worth = Decimal(fill.price) / 4 * 2 * fill.qty
        assert fill.cost_usd == (worth / 1000).quantize(Decimal("0.01"), "ROUND_UP")


def test_a_paper_book_counts_in_its_own_currency_and_enters_nothing_else() -> None:
    play = ScriptedReplay(minutes(3), [], bots=[bot("one", idea())], paper=PaperConfig(currency="USDT"))
    assert opened(play) == [("one", BOOK, "MNQ")]
    [told] = [one for one in play.written(r.IdeaRefused) if one.book == "paper"]
    assert Refusal.CURRENCY in told.refusals


def test_what_a_bot_has_made_is_never_added_over_kinds_of_money_or_currencies() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE + 170, "MNQ", 3)

    play = ScriptedReplay(
        script, [], bots=[bot("one", idea())], paper=PaperConfig(),
        risk=RiskLimits(risk_per_trade_usd=Decimal(900)),
    )  # fmt: skip
    nets = {name: book.bot_usd["one"] for name, book in play.core.state.books.items() if book.bot_usd}
    assert set(nets) == {BOOK, "paper"}
    bots, state = play.core.entries.bots, play.core.state
    money = {BOOK: (AccountKind.LIVE, "USD"), "paper": (AccountKind.PAPER, "USDT")}
    (view,) = bots.views(state, money)
    assert (view.day_usd, view.net_usd, view.currency) == (nets[BOOK], nets[BOOK], "USD")
    assert view.beside == (BotResult(AccountKind.PAPER, "USDT", nets["paper"], nets["paper"]),)
    alike = dict.fromkeys(money, (AccountKind.PAPER, "USDT"))
    (view,) = bots.views(state, alike)
    assert (view.day_usd, view.currency, view.beside) == (sum(nets.values()), "USDT", ())
