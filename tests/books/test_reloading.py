"""Settings that are read again: what counts at once, what is asked, and that a tape tells all of it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from msgspec.structs import replace

from engine.books.bots import Bot
from engine.lab.replay import BOOK
from engine.model import records as r
from engine.model.blackouts import Blackouts, ScheduledNews
from engine.model.bots import BotConfig
from engine.model.commands import AnswerLoosening
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.refusals import Refusal
from engine.model.reload import BookTerms, BotTerms, taken
from engine.model.restrictions import TradingState
from engine.model.setting import Setting
from engine.model.sizing import ByGrade, ByRisk
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tests.torture.reloads import (
    LIMITS,
    RISK,
    STEPS,
    Market,
    ReloadTally,
    Step,
    play_reloads,
    reload,
    risk,
    turned_live,
)


def test_a_tightened_limit_acts_at_once() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(2)
        yield from play.move(PRICE - 30, "MNQ", 2)
        assert play.book.positions["MNQ"].qty
        reload(play, templates=risk(daily_loss_usd=Decimal(10), risk_per_trade_usd=Decimal(5)))
        yield from play.pass_time(3)

    play = ScriptedReplay(script, [idea()])
    (changed,) = play.written(r.SettingsChanged)
    assert (changed.by, changed.asked) == ("cli", ())
    (locked,) = (one for one in play.written(r.StateChanged) if one.state is TradingState.LOCKED)
    assert locked.ts - changed.ts <= NANOS
    assert not play.book.position("MNQ").qty
    assert play.answers() == ["settings: risk.max_trades 1 → 2"]


def test_a_loosened_limit_counts_at_once_where_no_money_is_at_stake() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        reload(play, templates=risk(max_trades=3))
        yield from play.minutes(2)

    play = ScriptedReplay(
        script, [idea(), idea(instrument="MES", stop=4, targets=(8, 16))], risk=replace(RISK, max_trades=1)
    )
    assert play.core.reloading.asked is None
    assert play.core.books[BOOK].config.risk.max_trades == 3
    assert play.core.books[BOOK].guards.limits.max_trades == 3


def test_on_a_live_account_it_is_asked_first_and_what_is_tightened_counts() -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        turned_live(play)
        reload(play, templates=risk(max_trades=3, max_contracts=2, daily_loss_usd=Decimal(0)))
        yield from play.pass_time(1)
        limits = play.core.books[BOOK].config.risk
        seen.append((limits.max_trades, limits.max_contracts, limits.daily_loss_usd))
        assert play.core.reloading.asked is not None
        seen.append([one.words for one in play.core.reloading.asked.loosened])
        yield from play.pass_time(30)
        play.say(AnswerLoosening(id="stale", asked=99, yes=True))
        play.say(AnswerLoosening(id="no", asked=1))
        yield from play.pass_time(1)
        seen.append(play.core.books[BOOK].config.risk.max_trades)
        play.say(AnswerLoosening(id="late", asked=1, yes=True))
        reload(play, templates=risk(max_trades=3, max_contracts=2, daily_loss_usd=Decimal(0)), changes=())
        play.say(AnswerLoosening(id="yes", asked=2, yes=True))
        yield from play.pass_time(1)
        limits = play.core.books[BOOK].config.risk
        seen.append((limits.max_trades, limits.max_contracts, limits.daily_loss_usd))
        yield from play.pass_time(1)

    play = ScriptedReplay(script, [], risk=replace(RISK, max_trades=1, max_contracts=4))
    assert seen == [
        (1, 2, 800),
        [
            f"{owner}: {what}"
            for owner in ("book replay", "accounts")
            for what in ("daily_loss_usd 800 → off", "max_trades 1 → 3")
        ],
        1,
        (3, 2, 0),
    ]
    assert [one.yes for one in play.written(r.LooseningAnswered)] == [False, True]
    assert [one.done for one in play.written(r.CommandTaken)] == [False, False, True, False, False, True]
    assert play.answers()[1] == "nothing is asked any more: nothing was changed"


def test_a_newer_reload_takes_the_question_back() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        turned_live(play)
        reload(play, templates=risk(max_trades=50))
        reload(play, templates=risk(max_trades=30))
        play.say(AnswerLoosening(id="yes", asked=1, yes=True))
        yield from play.pass_time(1)

    play = ScriptedReplay(script, [])
    assert play.core.reloading.asked is None
    assert play.core.books[BOOK].config.risk.max_trades == 30


def test_what_is_wrong_is_told_and_changes_nothing() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        reload(play, refused="settings are not taken: risk.max_trades = -1", templates=risk(max_trades=3))
        yield from play.pass_time(1)

    play = ScriptedReplay(script, [])
    assert not play.written(r.SettingsChanged)
    (told,) = play.written(r.CommandTaken)
    assert (told.answer, told.done) == ("settings are not taken: risk.max_trades = -1", False)
    assert play.core.books[BOOK].config.risk == RISK


def test_limits_of_bots_count_too() -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        reload(play, bots=(BotTerms(BotConfig("mine", "scripted", max_trades=1, sizing=ByGrade(2, 2, 2))),))
        yield from play.minutes(3)

    ideas = [(0, idea()[1]), (1, idea(instrument="MES", stop=4, targets=(8, 16))[1])]
    mine = Bot(BotConfig("mine", "scripted"), ScriptedStrategy(ideas, relative=True))
    play = ScriptedReplay(script, [], bots=[mine])
    assert mine.config.max_trades == 1
    assert all(Refusal.MAX_TRADES in one.refusals for one in play.written(r.IdeaRefused))


@given(LIMITS, LIMITS)
def test_what_counts_at_once_is_never_looser_than_before(old: RiskLimits, new: RiskLimits) -> None:
    found = taken(old, new, "book a")
    held = {one.key for one in found.loosened}
    for name, one in _declared():
        was, now, counts = getattr(old, name), getattr(new, name), getattr(found.values, name)
        assert not one.loosened(was, counts), name
        assert counts == (was if (one.key or name) in held else now), name
    assert taken(found.values, new, "book a").loosened == found.loosened
    assert taken(old, old, "book a") == (old, ())


def _declared() -> Iterator[tuple[str, Setting]]:
    from engine.model.reload import _settings

    yield from _settings(RiskLimits).items()


def test_every_live_limit_says_what_loosens_it_or_is_asked() -> None:
    asked = {name for name, one in _declared() if one.reload == "live" and one.loosens == "any"}
    assert asked == {
        "account_preset", "start_balance_usd", "high_balance_usd", "floor_fixed", "minis_by_profit",
        "break_even_offset_ticks", "trail_ticks", "trail_after_r", "foreign_positions",
        "hours_start", "hours_end", "hours_zone",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "loosens"),
    [
        (BookTerms("a"), BookTerms("a", copy_ratio=Decimal(2)), ["copy_ratio 1 → 2"]),
        (BookTerms("a", copy_ratio=Decimal(2)), BookTerms("a"), []),
        (BookTerms("a"), BookTerms("a", sizing=ByRisk()), ["sizing not set → risk"]),
        (BookTerms("a", sizing=ByRisk(Decimal(5))), BookTerms("a", sizing=ByRisk(Decimal(4))), []),
        (BookTerms("a", sizing=ByRisk(Decimal(5))), BookTerms("a", sizing=ByRisk()), ["usd 5 → not set"]),
        (BookTerms("a", sizing=ByGrade()), BookTerms("a", sizing=ByGrade(a=4)), ["a 3 → 4"]),
        (BookTerms("a", sizing=ByGrade()), BookTerms("a", sizing=ByGrade(a_tenths=90)), []),
    ],
)
def test_sizes_are_limits_too(old: BookTerms, new: BookTerms, loosens: list[str]) -> None:
    assert [one.words for one in taken(old, new, "book a").loosened] == [f"book a: {one}" for one in loosens]


@settings(max_examples=6, deadline=None, phases=set(Phase) - {Phase.shrink})
@given(STEPS)
def test_a_tape_of_any_reloads_writes_the_same_journal_and_none_is_half_applied(plan: list[Step]) -> None:
    play_reloads(plan, ReloadTally())


def test_scheduled_news_keeps_entries_out_and_a_reload_brings_another_calendar() -> None:
    seen: list[Any] = []

    def script(play: ScriptedReplay) -> Market:
        cpi = ScheduledNews(play.core.turn.wall + MINUTE, "CPI")
        reload(play, blackouts=Blackouts((cpi,), 2 * MINUTE, 10 * MINUTE))
        yield from play.minutes(2)
        seen.append([one.words for one in play.core.entries.against(play.core.books[BOOK], "MNQ")])
        reload(play)
        yield from play.minutes(1)
        seen.append(play.core.entries.against(play.core.books[BOOK], "MNQ"))

    play = ScriptedReplay(script, [idea()])
    (refused,) = play.written(r.IdeaRefused)
    assert refused.refusals == (Refusal.BLACKOUT,)
    assert refused.words[0].startswith("CPI at ")
    assert seen == [[refused.words[0]], []]
    assert any("scheduled news: 1 event" in answer for answer in play.answers())


def test_on_a_live_account_less_scheduled_news_is_asked_first() -> None:
    seen: list[Any] = []

    def now_is(play: ScriptedReplay, minutes: int) -> tuple[bool, bool]:
        """Whether entries are kept out by news now, and in so many minutes."""
        blackouts, wall = play.core.market.blackouts, play.core.turn.wall
        return blackouts.at(wall) is not None, blackouts.at(wall + minutes * MINUTE) is not None

    def script(play: ScriptedReplay) -> Market:
        wall = play.core.turn.wall
        passed, cpi, fomc = (
            ScheduledNews(wall + minutes * MINUTE, name)
            for minutes, name in ((-60, "PMI"), (1, "CPI"), (90, "FOMC"))
        )
        both = Blackouts((passed, cpi, fomc), 2 * MINUTE, 10 * MINUTE)
        reload(play, blackouts=both)
        turned_live(play)
        yield from play.minutes(1)
        # Narrower before and without two events, one of which is over; wider after: that counts at once.
        reload(play, blackouts=Blackouts((fomc,), MINUTE, 20 * MINUTE))
        yield from play.pass_time(1)
        asked = play.core.reloading.asked
        assert asked is not None
        seen.append([one.words.replace(cpi_at(cpi), "AT") for one in asked.loosened])
        seen.append((now_is(play, 104), play.core.market.blackouts.before_ns))
        play.say(AnswerLoosening(id="yes", asked=1, yes=True))
        yield from play.pass_time(1)
        seen.append((now_is(play, 104), play.core.market.blackouts.before_ns))
        reload(play, blackouts=Blackouts((replace(cpi, name="CPI y/y"), fomc), MINUTE, 20 * MINUTE))
        yield from play.pass_time(1)
        seen.append(play.core.reloading.asked)

    ScriptedReplay(script, [])
    assert seen == [
        [
            "scheduled news: minutes_before 2 → 1",
            "scheduled news: events CPI AT → not in the calendar",
        ],
        ((True, True), 2 * MINUTE),
        ((False, True), MINUTE),
        None,
    ]


def cpi_at(event: ScheduledNews) -> str:
    return f"{datetime.fromtimestamp(event.ts / NANOS, UTC):%Y-%m-%d %H:%M} UTC"
