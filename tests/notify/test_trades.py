"""Signals, entries and exits as messages: the plan, the protection, the result."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from adapters.notify.content.message import NewsEvent
from adapters.notify.content.news import NewsReader
from adapters.notify.content.reports import scanned
from engine.model.market import NANOS, Side
from engine.model.notices import NoticeKind, PatternFacts, Severity, SignalFacts
from engine.model.orders import AccountKind
from engine.model.view import BacktestView, BotView
from tests.notify.scenes import (
    NOW,
    SIGNAL,
    a_book,
    a_notice,
    a_position,
    a_reader,
    a_trade,
    a_view,
    an_alignment,
    facts_of,
    later,
)

K, S = NoticeKind, Severity


def test_a_signal_tells_the_whole_plan() -> None:
    reader = a_reader()
    notice = a_notice(1, K.SIGNAL, "long MNQ 7.4: entering 2 (OB held)", S.GOOD, signal=SIGNAL)
    (message,) = reader.read(later(a_view(), notices=(notice,), alignment={"MNQ": an_alignment()}))
    assert message.headline == "🟢 [PRACTICE] Signal: LONG 2 MNQ"
    assert message.event is NewsEvent.SIGNAL
    assert facts_of(message) == {
        "Entry": "21000.25 (market)",
        "Stop": "20990.25",
        "Target 1": "21015.25",
        "Target 2": "21022.25",
        "Risk : reward": "1 : 1.5",
        "Size": "2 contracts",
        "Why this size": "risk: 50.00 at risk, 21.50 each: 2",
        "Risk": "43.00 USD",
        "Strategy": "zones",
        "Timeframe": "5m",
        "Score": "7.4 of 10",
        "Pattern": "OB + BOS",
        "Trades": "118 (backtest)",
        "Win rate": "62 %",
        "Profit factor": "1.80",
        "Confidence": "65 %",
        "Trend": "up on 1h",
        "Higher timeframe": "15m up: aligned",
        "Aligned": "4 of 5 timeframes",
        "Verdict": "long",
        "Why": "OB held 20995.00; volume 1.3x",
    }


def test_a_signal_that_a_backtest_speaks_for_tells_that_in_place_of_score_and_verdict() -> None:
    told = PatternFacts("break bos 5m", 60, 0.62, 1.8, 0.97, "backtest", 0.41)
    signal = replace(
        SIGNAL, pattern=told, regime="trending", against="the trade of another goes the other way"
    )
    reader = a_reader()
    notice = a_notice(1, K.SIGNAL, "long MNQ: not entered", S.INFO, signal=signal)
    (message,) = reader.read(later(a_view(), notices=(notice,), alignment={"MNQ": an_alignment()}))
    facts = facts_of(message)
    assert {"Score", "Verdict", "Pattern"}.isdisjoint(facts)
    assert facts["Expectancy"] == "+0.41 R a trade"
    assert facts["Confidence"] == "97 %"
    assert facts["Higher timeframe"] == "15m up: aligned"
    assert facts["Regime"] == "trending"
    assert facts["Paper"] == "not entered: the trade of another goes the other way"
    short = replace(signal, side=Side.SELL)
    (message,) = a_reader().read(
        later(a_view(), notices=(replace(notice, signal=short),), alignment={"MNQ": an_alignment()})
    )
    assert facts_of(message)["Higher timeframe"] == "15m up: against it"


def test_the_scanner_says_at_the_start_what_it_looks_for_and_at_the_end_how_often_it_spoke() -> None:
    told = BacktestView(60, 0.62, 0.41)
    bots = (
        BotView("a", "edge", "signals", backtest=told),
        BotView("b", "edge", "signals", stopped="cli", backtest=told),
    )
    view = later(a_view(), bots=bots)
    assert scanned(view) == "2 validated signals, 1 of them paused"
    assert scanned(a_view()) is None
    reader = a_reader()
    notice = a_notice(1, K.SIGNAL, "long MNQ", S.GOOD, signal=SIGNAL)
    reader.read(later(view, notices=(notice,)))
    *_, stop = reader.ended("", failed=False)
    assert stop.lines == ("Signals sent: 1.",)


def test_a_signal_of_which_only_words_are_known_tells_those_and_the_context() -> None:
    notice = a_notice(1, K.SIGNAL, "short MNQ 7.4: entering 2", S.GOOD)
    (message,) = a_reader().read(later(a_view(), notices=(notice,), alignment={"MNQ": an_alignment()}))
    assert message.title == "Signal MNQ"
    assert message.lines == ("short MNQ 7.4: entering 2",)
    assert facts_of(message)["Aligned"] == "4 of 5 timeframes"


def test_reward_to_risk_of_a_short_and_of_a_stop_amiss() -> None:
    short = SignalFacts(
        Side.SELL, 1, Decimal(100), Decimal(101), (Decimal(97),), Decimal(5), "alerts", market=False
    )
    assert short.reward_to_risk == 3.0
    amiss = SignalFacts(Side.SELL, 1, Decimal(100), Decimal(99), (Decimal(97),), Decimal(5), "alerts")
    assert amiss.reward_to_risk is None


def test_an_entry_is_told_once_its_stop_is_seen_with_it() -> None:
    reader = a_reader()
    fill = a_notice(1, K.FILL, "bought 2 MNQ @ 21000.25 (entry)", S.GOOD)
    bare = later(a_view(), notices=(fill,), positions=(a_position(stop=None, targets=(), protected_qty=0),))
    assert reader.read(bare) == []
    (message,) = reader.read(later(bare, positions=(a_position(),)))
    assert message.headline == "🟢 [PRACTICE] LONG 2 MNQ @ 21000.25"
    assert (message.event, message.severity) == (NewsEvent.TRADE_ENTRY, S.GOOD)
    assert message.lines == ("bought 2 MNQ @ 21000.25 (entry)",)
    assert facts_of(message) == {
        "Entry": "21000.25",
        "Stop": "20990.25",
        "Targets": "21015.25, 21022.25",
        "Risk : reward": "1 : 1.5",
        "Size": "2",
        "Risk": "40.00 USD",
        "Protected": "2 of 2",
        "Strategy": "zones",
    }


def test_an_entry_whose_stop_is_not_seen_in_time_is_told_as_a_warning() -> None:
    reader = a_reader()
    fill = a_notice(1, K.FILL, "bought 2 MNQ @ 21000.25 (entry)", S.GOOD)
    bare = later(a_view(), notices=(fill,), positions=(a_position(stop=None, protected_qty=0),))
    reader.read(bare)
    (message,) = reader.read(later(bare, ts=NOW + 2 * NANOS))
    assert message.severity is S.WARNING
    assert facts_of(message)["Stop"] == "none seen yet"
    assert facts_of(message)["Protected"] == "0 of 2"


def test_fills_of_one_entry_make_one_message() -> None:
    reader = a_reader()
    first = a_notice(1, K.FILL, "bought 1 MNQ @ 21000.25 (entry)", S.GOOD)
    second = a_notice(2, K.FILL, "bought 1 MNQ @ 21000.50 (entry)", S.GOOD)
    one = later(a_view(), notices=(first,), positions=(a_position(qty=1, protected_qty=0),))
    assert reader.read(one) == []
    (message,) = reader.read(later(one, notices=(first, second), positions=(a_position(),)))
    assert len(message.lines) == 2


def test_half_at_the_first_target_then_the_rest_at_break_even() -> None:
    reader = a_reader()
    view = later(
        a_view(),
        notices=(
            a_notice(1, K.SIGNAL, "long MNQ", S.GOOD, signal=SIGNAL),
            a_notice(2, K.FILL, "bought 2 MNQ @ 21000.25 (entry)", S.GOOD),
        ),
        positions=(a_position(),),
    )
    assert [m.event for m in reader.read(view)] == [NewsEvent.SIGNAL, NewsEvent.TRADE_ENTRY]
    view = later(
        view,
        notices=(*view.notices, a_notice(3, K.FILL, "sold 1 MNQ @ 21015.25 (target)", S.GOOD)),
        positions=(a_position(qty=1, protected_qty=1, stop=Decimal("21000.75")),),
    )
    (half,) = reader.read(view)
    assert (half.event, half.title, half.severity) == (NewsEvent.TRADE_EXIT, "MNQ: 1 of 2 closed", S.GOOD)
    assert facts_of(half)["Stop"] == "21000.75"
    view = later(
        view,
        notices=(*view.notices, a_notice(4, K.FILL, "sold 1 MNQ @ 21000.75 (stop)", S.WARNING)),
        positions=(),
        trades=(a_trade(),),
    )
    (end,) = reader.read(view)
    assert end.headline == "✅ [PRACTICE] LONG 2 MNQ closed: +58.52 USD"
    assert (end.event, end.severity) == (NewsEvent.TRADE_EXIT, S.GOOD)
    told = facts_of(end)
    assert told["Net"] == "+123.40 USD"  # of the day, in its own section
    assert end.sections[0].fields[0].value == "+58.52 USD (+1.4 R)"
    assert told["Held"] == "12 min"
    assert told["Why"] == "target"
    assert reader.read(later(view)) == []


def test_a_loss_is_a_warning() -> None:
    reader = a_reader()
    (message,) = reader.read(later(a_view(), trades=(a_trade(net_usd=Decimal("-41.48")),)))
    assert (message.severity, message.mark) == (S.WARNING, "🔻")


def test_a_trade_that_came_and_went_between_two_pictures_is_told_once() -> None:
    reader = a_reader()
    fills = (
        a_notice(1, K.FILL, "bought 2 MNQ @ 21000.25 (entry)", S.GOOD),
        a_notice(2, K.FILL, "sold 2 MNQ @ 21015.25 (target)", S.GOOD),
    )
    (message,) = reader.read(later(a_view(), notices=fills, trades=(a_trade(),)))
    assert message.event is NewsEvent.TRADE_EXIT
    assert len(message.lines) == 2


def test_a_turned_position_tells_the_exit_and_the_new_entry() -> None:
    reader = a_reader()
    long = later(a_view(), positions=(a_position(),))
    reader.read(long)
    fills = (a_notice(1, K.FILL, "sold 3 MNQ @ 21010.00 (close)", S.GOOD),)
    short = a_position(qty=-1, protected_qty=1, stop=Decimal("21010.25"), targets=(Decimal("20985.25"),))
    out, back_in = reader.read(later(long, notices=fills, positions=(short,), trades=(a_trade(),)))
    assert out.event is NewsEvent.TRADE_EXIT
    assert back_in.event is NewsEvent.TRADE_ENTRY
    assert back_in.headline == "🔴 [PRACTICE] SHORT 1 MNQ @ 21000.25"


def test_trades_of_earlier_runs_are_no_news() -> None:
    reader = NewsReader()
    assert [m.event for m in reader.read(a_view(trades=(a_trade(),)))] == [NewsEvent.START]
    assert reader.read(later(a_view(trades=(a_trade(),)))) == []


def test_two_books_tell_their_own_trades() -> None:
    reader = NewsReader()
    books = (a_book("live", AccountKind.LIVE), a_book("paper", AccountKind.PAPER))
    view = a_view(books=books, mode=AccountKind.LIVE)
    reader.read(view)
    trades = (a_trade(book="live"), a_trade(book="paper", net_usd=Decimal("61.00")))
    first, second = reader.read(later(view, trades=trades))
    assert first.headline == "✅ [LIVE] LONG 2 MNQ closed: +58.52 USD"
    assert second.headline == "✅ [PAPER] LONG 2 MNQ closed: +61.00 USD"
    assert first.origin == "ACC-live · practice venue · practice time"
    assert second.origin == "ACC-paper · practice venue · practice time"


def test_an_entry_that_still_waits_for_its_stop_is_told_at_the_end() -> None:
    reader = a_reader()
    fill = a_notice(1, K.FILL, "bought 2 MNQ", S.GOOD)
    reader.read(later(a_view(), notices=(fill,), positions=(a_position(stop=None, protected_qty=0),)))
    assert [m.event for m in reader.ended("", failed=False)] == [NewsEvent.TRADE_ENTRY, NewsEvent.STOP]
