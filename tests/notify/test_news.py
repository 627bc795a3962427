"""From Views to messages: what is told, as which event, with which figures."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from adapters.notify.content import reports
from adapters.notify.content.message import NewsEvent, plain_text
from adapters.notify.content.news import START_WAIT_NS, NewsReader, event_of
from adapters.notify.content.reports import state_words
from engine.model.events import LinkState
from engine.model.market import MINUTE, NANOS
from engine.model.notices import NoticeKind, Severity
from engine.model.orders import AccountKind
from engine.model.rates import StatedRate
from engine.model.restrictions import RestrictionEnd, RestrictionView, TradingState
from engine.model.view import HealthView, LinkView
from tests.notify.scenes import (
    NOW,
    a_book,
    a_notice,
    a_position,
    a_reader,
    a_view,
    facts_of,
    later,
)

K, S = NoticeKind, Severity


@pytest.mark.parametrize(
    ("kind", "severity", "event"),
    [
        (K.RISK, S.CRITICAL, NewsEvent.RISK),
        (K.RISK, S.GOOD, NewsEvent.RISK),
        (K.STATE, S.WARNING, NewsEvent.RISK),
        (K.STATE, S.INFO, NewsEvent.STATUS),
        (K.ORDER, S.WARNING, NewsEvent.ERROR),
        (K.ORDER, S.INFO, NewsEvent.STATUS),
        (K.CONNECTION, S.WARNING, NewsEvent.ERROR),
        (K.CONNECTION, S.INFO, None),
        (K.MARKET, S.WARNING, NewsEvent.ERROR),
        (K.MARKET, S.INFO, None),
        (K.REFUSAL, S.INFO, None),
        (K.REFUSAL, S.WARNING, NewsEvent.SIGNAL),
        (K.COMMAND, S.INFO, None),
        (K.COMMAND, S.WARNING, NewsEvent.STATUS),
    ],
)
def test_what_a_notice_is_about(kind: NoticeKind, severity: Severity, event: NewsEvent | None) -> None:
    assert event_of(a_notice(1, kind, "x", severity)) is event


def test_a_notice_is_told_once_with_whose_money_it_is() -> None:
    reader = a_reader()
    view = later(a_view(), notices=(a_notice(1, K.RISK, "MNQ is not protected", S.CRITICAL),))
    (message,) = reader.read(view)
    assert message.headline == "🚨 [PRACTICE] MNQ is not protected"
    assert (message.event, message.severity, message.book) == (NewsEvent.RISK, S.CRITICAL, "main")
    assert message.origin == "practice venue · practice time"
    assert reader.read(later(view)) == []


def test_refusals_are_told_where_wanted() -> None:
    notices = (a_notice(1, K.REFUSAL, "long MNQ 5.2 refused: the score is too low"),)
    assert a_reader().read(later(a_view(), notices=notices)) == []
    (message,) = a_reader(refusals=True).read(later(a_view(), notices=notices))
    assert message.event is NewsEvent.SIGNAL


def test_the_same_news_has_the_same_key_whatever_its_figures_but_critical_news_needs_equal_words() -> None:
    texts = ("down: try 1 in 5.0 s", "down: try 2 in 10.5 s")
    mild = a_reader().read(
        later(a_view(), notices=tuple(a_notice(i, K.ORDER, t, S.WARNING) for i, t in enumerate(texts, 1)))
    )
    grave = a_reader().read(
        later(a_view(), notices=tuple(a_notice(i, K.RISK, t, S.CRITICAL) for i, t in enumerate(texts, 1)))
    )
    assert mild[0].key == mild[1].key
    assert grave[0].key != grave[1].key


def test_words_from_outside_are_cleaned() -> None:
    text = "order of somebody else: \x1b[2J@everyone https://evil.example \u202e"
    (message,) = a_reader().read(later(a_view(), notices=(a_notice(1, K.ORDER, text, S.WARNING),)))
    assert "\x1b" not in message.title
    assert "\u202e" not in message.title
    assert "://" not in message.title
    assert "@everyone" not in message.title


def test_lost_notices_are_admitted() -> None:
    first, second = a_reader().read(later(a_view(), notices=(a_notice(42, K.RISK, "x"),)))
    assert first.title == "41 events came too fast to be told"
    assert second.title == "x"


# --- start, stop, health, status ---------------------------------------------------------------------------


def test_the_start_waits_for_the_account_and_tells_what_was_found() -> None:
    reader = NewsReader(label="attic")
    view = a_view(books=(a_book(reconciled=False),))
    assert reader.read(view) == []
    (message,) = reader.read(later(view, books=(a_book(),), positions=(a_position(),)))
    assert message.event is NewsEvent.START
    assert message.severity is S.GOOD
    assert message.origin == "attic · practice venue · practice time"
    told = plain_text(message, "")
    assert "[PRACTICE] ACC-main" in told
    assert "MNQ: LONG 2 @ 21000.25, stop 20990.25, +19.00 USD" in told
    assert "MNQZ6, ESZ6" in told


def test_an_engine_without_a_time_yet_tells_nothing_and_ends_no_day() -> None:
    reader = NewsReader()
    blank = a_view(ts=0, books=(), session=structs.replace(a_view().session, trade_date="1970-01-01"))
    assert reader.read(blank) == []
    assert [m.event for m in reader.read(later(a_view(), version=2))] == [NewsEvent.START]


def test_a_start_without_an_account_is_told_as_a_warning_after_a_while() -> None:
    reader = NewsReader()
    view = a_view(books=())
    assert reader.read(view) == []
    (message,) = reader.read(later(view, ts=view.ts + START_WAIT_NS))
    assert (message.severity, message.title) == (S.WARNING, "tstream has started, no account yet")


def test_the_end_tells_the_day_and_what_stays_open() -> None:
    reader = a_reader()
    reader.read(later(a_view(), positions=(a_position(),)))
    (message,) = reader.ended("", failed=False)
    assert (message.event, message.severity) == (NewsEvent.STOP, S.WARNING)
    assert message.lines == ("Open positions keep their stops at the venue.",)
    assert facts_of(message)["Net"] == "+123.40 USD"


def test_a_failed_engine_is_critical() -> None:
    reader = a_reader()
    (message,) = reader.ended("the journal can't be read", failed=True)
    assert (message.event, message.severity) == (NewsEvent.ERROR, S.CRITICAL)
    assert message.title == "tstream has stopped: the journal can't be read"


def test_an_engine_that_never_showed_itself_has_nothing_to_say() -> None:
    assert NewsReader().ended("x", failed=True) == []


def test_ill_health_is_told_once_and_so_is_recovery() -> None:
    reader = a_reader()
    ill = later(a_view(), health=HealthView(ok=False, detail="the journal can't be written"))
    (message,) = reader.read(ill)
    assert (message.event, message.severity) == (NewsEvent.ERROR, S.CRITICAL)
    assert message.title == "the journal can't be written"
    ill = later(ill)
    assert reader.read(ill) == []
    well = later(ill, health=HealthView(ok=True))
    (message,) = reader.read(well)
    assert (message.event, message.severity) == (NewsEvent.STATUS, S.GOOD)
    assert reader.read(later(well, health=HealthView(ok=True, detail="words"))) == []


def test_the_regular_status_comes_when_its_time_has_come() -> None:
    reader = a_reader(status_minutes=5)
    view = a_view(links=(LinkView("market", LinkState.LIVE),))
    view = later(view, ts=NOW + 5 * MINUTE - 1)
    assert reader.read(view) == []
    view = later(view, ts=NOW + 5 * MINUTE)
    (message,) = reader.read(view)
    assert message.event is NewsEvent.STATUS
    assert facts_of(message)["market"] == "live"
    assert reader.read(later(view)) == []


def test_a_short_drop_is_no_news_a_long_one_is_and_so_is_its_end() -> None:
    reader = a_reader()
    live, down = LinkView("user", LinkState.LIVE), LinkView("user", LinkState.DOWN, "closed by the gateway")
    words = (structs.replace(a_notice(1, K.CONNECTION, "whatever it says", S.WARNING), link="user"),)
    view = later(a_view(), links=(live,))
    assert reader.read(view) == []
    view = later(view, links=(down,), notices=words)
    assert reader.read(view) == []
    view = later(view, links=(live,))
    assert reader.read(view) == []
    view = later(view, links=(down,))
    began = view.ts
    assert reader.read(view) == []
    view = later(view, ts=began + 10 * NANOS)
    (lost,) = reader.read(view)
    assert (lost.event, lost.severity) == (NewsEvent.ERROR, S.WARNING)
    assert lost.title == "user link down for 10 s"
    assert lost.lines == ("closed by the gateway",)
    view = later(view, ts=began + 20 * NANOS)
    assert reader.read(view) == []
    (back,) = reader.read(later(view, links=(live,), ts=began + 3 * MINUTE))
    assert (back.event, back.title) == (NewsEvent.STATUS, "user link is back after 3 min")


def test_a_connection_that_never_stood_gets_longer() -> None:
    reader = a_reader()
    view = later(a_view(), links=(LinkView("market", LinkState.CONNECTING),))
    assert reader.read(view) == []
    assert reader.read(later(view, ts=view.ts + 29 * NANOS)) == []
    (lost,) = reader.read(later(later(view), ts=view.ts + 31 * NANOS))
    assert lost.title == "market link connecting for 31 s"


def test_what_earlier_runs_told_is_no_news() -> None:
    past = tuple(a_notice(seq, K.RISK, "MNQ is not protected", S.CRITICAL) for seq in (-2, -1))
    assert [m.event for m in NewsReader().read(a_view(notices=past))] == [NewsEvent.START]
    assert a_reader().read(later(a_view(), notices=past)) == []


def test_a_view_that_was_skipped_loses_no_notice() -> None:
    reader = a_reader()
    broken = later(a_view(), notices=(a_notice(1, K.RISK, "x"),))
    reader.skip(broken)
    assert reader.read(broken) == []
    assert [m.title for m in reader.read(later(broken))] == ["x"]


# --- the day's summary -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "reason", "words"),
    [
        (RestrictionEnd.RESUME, "paused by telegram", "paused: by telegram"),
        (RestrictionEnd.SETTINGS, "trading is off in the settings", "off: trading is off in the settings"),
        (
            RestrictionEnd.CAUSE,
            "the venue has blocked this account",
            "blocked: the venue has blocked this account",
        ),
    ],
)
def test_f59_what_holds_entries_back_is_called_by_its_cause(
    end: RestrictionEnd, reason: str, words: str
) -> None:
    by = "telegram" if end is RestrictionEnd.RESUME else ""
    held = RestrictionView(TradingState.REDUCING, reason, end, by=by)
    assert state_words(a_book("live", state=TradingState.REDUCING, restriction=held)) == words


def test_the_day_is_summed_up_from_its_last_picture_each_book_by_itself() -> None:
    reader = NewsReader()
    paper = a_book("paper", AccountKind.PAPER, realized_usd=Decimal("9999.00"), account="sandbox")
    live = a_book(
        "live",
        AccountKind.LIVE,
        realized_usd=Decimal("-50.25"),
        trades=5,
        wins=2,
        profit_factor=0.8,
        max_drawdown_usd=Decimal("120.00"),
        state=TradingState.LOCKED,
        restriction=RestrictionView(TradingState.LOCKED, "daily loss", RestrictionEnd.TIME),
    )
    last = a_view(books=(live, paper), mode=AccountKind.LIVE)
    reader.read(last)
    fresh = later(last, books=(a_book("live", realized_usd=Decimal(0)),))
    fresh = later(fresh, session=structs.replace(fresh.session, trade_date="2026-10-15"))
    (message,) = reader.read(fresh)
    assert (message.event, message.title) == (NewsEvent.DAILY_SUMMARY, "Day 2026-10-14")
    first, second = message.sections
    assert first.title == "[LIVE] ACC-live"
    assert {f.name: f.value for f in first.fields} == {
        "Net": "-50.25 USD",
        "Costs": "5.92 USD",
        "Trades": "5, 2 won (40 %)",
        "Profit factor": "0.80",
        "Max drawdown": "120.00 USD",
        "Balance": "50,123.40 USD",
        "Trading": "locked: daily loss",
    }
    assert second.title == "[PAPER] sandbox"
    told = plain_text(message, "")
    assert told.count("9,999.00") == 1
    assert "9,948" not in told  # no sum over books


def test_each_calendar_has_its_own_day_of_the_books_that_go_by_it() -> None:
    reader = NewsReader()
    futures, coins = a_book("futures"), a_book("coins", calendar="always", currency="USDT")
    utc = structs.replace(a_view().session, clock_mark="UTC", zone="UTC")
    sessions = {"cme": a_view().session, "always": utc}
    last = a_view(books=(futures, coins), sessions=sessions)
    reader.read(last)
    rolled = {**sessions, "always": structs.replace(utc, trade_date="2026-10-15")}
    (message,) = reader.read(later(last, sessions=rolled))
    assert message.title == "Day 2026-10-14 (UTC)"
    assert [part.title for part in message.sections] == ["[PRACTICE] ACC-coins (coins)"]
    alone = a_view(books=(futures,), sessions=sessions)
    reader = NewsReader()
    reader.read(alone)
    assert list(reader.read(later(alone, sessions=rolled))) == [], "no book goes by that one"


def test_several_currencies_are_summed_by_a_rate_that_is_told() -> None:
    books = a_book("a", day_usd=Decimal(10)), a_book("b", day_usd=Decimal(100), currency="EUR")
    for rates, words in (
        ((StatedRate("EUR", Decimal("1.08")),), "+118.00 USD (1 EUR = 1.08 USD by [rates])"),
        ((), "not summed: no rate of EUR ([rates] in the settings sets one)"),
    ):
        message = reports.status(a_view(books=books, rates=rates))
        (told,) = [part for part in message.sections if part.title == "Together"]
        assert [field.value for field in told.fields] == [words]


def test_a_day_without_losses_or_trades_reads_sensibly() -> None:
    reader = NewsReader()
    books = (
        a_book("a", profit_factor=None, trades=2, wins=2),
        a_book("b", profit_factor=None, trades=0, wins=0, max_drawdown_usd=Decimal(0)),
    )
    last = a_view(books=books)
    reader.read(last)
    (message,) = reader.read(later(last, session=structs.replace(last.session, trade_date="2026-10-15")))
    first, second = ({f.name: f.value for f in part.fields} for part in message.sections)
    assert first["Profit factor"] == "nothing lost"
    assert second["Trades"] == "0"
    assert "Profit factor" not in second
