"""Settings that are read again: what counts at once, what is asked, and that a tape tells all of it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.books.bots import Bot
from engine.core import Core
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.bots import BotConfig
from engine.model.commands import AnswerLoosening, Reload
from engine.model.config import BookConfig, EngineConfig, PaperConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.orders import AccountKind
from engine.model.records import encode
from engine.model.refusals import Refusal
from engine.model.reload import BookTerms, BotTerms, SettingChange, taken
from engine.model.restrictions import TradingState
from engine.model.setting import Setting
from engine.model.sizing import ByEquity, ByGrade, ByRisk
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea

Market = Iterator[ev.Quote | ev.Print]
RISK = RiskLimits()


def reload(play: ScriptedReplay, **parts: Any) -> None:
    """The settings are read again, and have these."""
    command = Reload(id=f"reload-{play.now}", source="cli")
    changes = (SettingChange("risk.max_trades", "1", "2"),)
    given_ = {"changes": changes, **parts}
    play.replay.tell(ev.SettingsReloaded(ts_recv=play.now, command=command, **given_))


def risk(**limits: Any) -> tuple[BookTerms, ...]:
    """Of every book that is found."""
    return (BookTerms("", risk=replace(RISK, **limits)),)


def turned_live(play: ScriptedReplay) -> None:
    """The account turns out to be one with money at stake."""
    account = replace(play.replay.account, kind=AccountKind.LIVE)
    play.replay.tell(ev.AccountAdopted(ts_recv=play.now, book=BOOK, account=account))


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


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "risk_per_trade_usd": st.sampled_from([Decimal(5), Decimal(200), Decimal(700)]),
    "daily_loss_usd": st.sampled_from([Decimal(0), Decimal(10), Decimal(800), Decimal(2000)]),
    "max_drawdown_percent": st.sampled_from([Decimal(0), Decimal(1), Decimal(20)]),
    "max_loss_usd": st.sampled_from([None, Decimal(0), Decimal(500), Decimal(3000)]),
    "act_percent": st.integers(81, 100),
    "max_contracts": st.integers(1, 9),
    "max_trades": st.integers(0, 9),
    "max_losses_in_a_row": st.integers(0, 3),
    "max_open_trades": st.integers(1, 4),
    "trail_ticks": st.sampled_from([0, 4, 40]),
    "break_even_after_first_target": st.booleans(),
    "hours_start": st.sampled_from(["", "08:30"]),
    "stale_ns": st.sampled_from([NANOS, 10 * NANOS, MINUTE]),
    "unprotected_ns": st.sampled_from([NANOS, 30 * NANOS]),
    "expiry_days": st.integers(0, 60),
    "account_preset": st.sampled_from(["auto", "none", "topstep_50k"]),
}
limits = st.fixed_dictionaries({}, optional=_VALUES).map(lambda given_: replace(RISK, **given_))
terms = st.builds(
    BookTerms,
    st.just(""),
    risk=limits,
    copy_ratio=st.sampled_from([Decimal(1), Decimal(2), Decimal("0.5")]),
    sizing=st.sampled_from([None, ByRisk(Decimal(50)), ByGrade(), ByEquity(Decimal(1))]),
)


@given(limits, limits)
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


_Step = tuple[str, Any]
steps: st.SearchStrategy[list[_Step]] = st.lists(
    st.one_of(
        st.tuples(st.just("reload"), terms),
        st.tuples(st.just("paper"), terms),
        st.tuples(st.just("refused"), st.text(max_size=20)),
        st.tuples(st.just("answer"), st.tuples(st.integers(1, 3), st.booleans())),
        st.tuples(st.just("live"), st.none()),
        st.tuples(st.just("move"), st.integers(-60, 60)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=6, deadline=None, phases=set(Phase) - {Phase.shrink})
@given(steps)
def test_a_tape_of_any_reloads_writes_the_same_journal_and_none_is_half_applied(plan: list[_Step]) -> None:
    def script(play: ScriptedReplay) -> Market:
        yield from play.minutes(1)
        for kind, what in plan:
            before = counts(play.core)
            wanted = play.core.reloading.question
            match kind:
                case "reload":
                    reload(play, templates=(what,))
                case "paper":
                    reload(play, books=(replace(what, name="paper"),))
                case "refused":
                    reload(play, refused=f"no: {what}", templates=risk(max_trades=1))
                    yield from play.pass_time(1)
                    assert counts(play.core) == before
                case "answer":
                    number, yes = what
                    play.say(AnswerLoosening(id=f"a{play.now}", asked=number, yes=yes))
                    yield from play.pass_time(1)
                    meant = wanted is not None and wanted.number == number and yes
                    assert meant or counts(play.core) == before
                case "live":
                    turned_live(play)
                case _:
                    yield from play.move(PRICE + what, "MNQ", 2)
            yield from play.pass_time(1)
            agree(play.core)
        yield from play.minutes(1)

    ideas = [(0, idea()[1]), (1, idea(instrument="MES", stop=4, targets=(8, 16))[1])]
    paper = PaperConfig(always=True)
    play = ScriptedReplay(script, ideas, paper=paper)
    told = [encode(record) for record in play.journal]
    assert again(play.core.config, ideas, play.core.heard) == told


def counts(core: Core) -> list[tuple[str, BookConfig]]:
    return [(name, book.config) for name, book in core.books.items()]


def agree(core: Core) -> None:
    """Every part of a book counts by the same values."""
    for book in core.books.values():
        config = book.config
        assert book.guards.limits is config.risk
        assert book.spec.config is config
        assert book.orders.context.config is config


def again(
    config: EngineConfig, ideas: Sequence[tuple[int, Any]], heard: Sequence[ev.AnyEvent]
) -> list[bytes]:
    """What a core writes that hears the tape alone, as it is on disk."""
    core = Core(config, ScriptedStrategy(ideas, relative=True))
    records, _ = core.start(T0)
    written = [encode(record) for record in records]
    encoder, decoder = msgspec.json.Encoder(), msgspec.json.Decoder(ev.AnyEvent)
    for event in heard:
        records, _ = core.step(decoder.decode(encoder.encode(event)))
        written += [encode(record) for record in records]
    return written


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
