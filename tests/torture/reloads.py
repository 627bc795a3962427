"""Settings that are read again at random moments: never half applied, and a tape tells all of it again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.core import Core
from engine.lab.replay import BOOK
from engine.model import events as ev
from engine.model import records as r
from engine.model.commands import AnswerLoosening, Reload
from engine.model.config import BookConfig, EngineConfig, PaperConfig
from engine.model.limits import RiskLimits
from engine.model.market import MINUTE, NANOS
from engine.model.orders import AccountKind
from engine.model.records import encode
from engine.model.reload import BookTerms, SettingChange
from engine.model.sizing import ByEquity, ByGrade, ByRisk
from tests.market.feed import T0
from tests.strategies.scripted import ScriptedStrategy
from tests.support.changed_settings import drawn, toml_of
from tests.support.scripted_replay import PRICE, ScriptedReplay, idea
from tests.torture.spread import play_drawn
from tstream import paths
from tstream.errors import SettingsError
from tstream.settings.load import load
from tstream.settings.merging import merge
from tstream.settings.model import Settings
from tstream.settings.problems import walk

Market = Iterator[ev.Quote | ev.Print]
RISK = RiskLimits()


@dataclass
class ReloadTally:
    """What so many plans and files came to."""

    plans: int = 0
    records: int = 0
    changed: int = 0
    asked: int = 0
    answered: int = 0
    trades: int = 0
    files: int = 0
    wrong_files: int = 0
    taken_keys: int = 0
    waiting_keys: int = 0

    def __iadd__(self, other: ReloadTally) -> ReloadTally:
        for name, count in vars(other).items():
            setattr(self, name, getattr(self, name) + count)
        return self


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
LIMITS = st.fixed_dictionaries({}, optional=_VALUES).map(lambda given_: replace(RISK, **given_))
TERMS = st.builds(
    BookTerms,
    st.just(""),
    risk=LIMITS,
    copy_ratio=st.sampled_from([Decimal(1), Decimal(2), Decimal("0.5")]),
    sizing=st.sampled_from([None, ByRisk(Decimal(50)), ByGrade(), ByEquity(Decimal(1))]),
)


Step = tuple[str, Any]
_STEP: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("reload"), TERMS),
    st.tuples(st.just("paper"), TERMS),
    st.tuples(st.just("refused"), st.text(max_size=20)),
    st.tuples(st.just("answer"), st.tuples(st.sampled_from([0, 0, 0, 99]), st.booleans())),
    st.tuples(st.just("move"), st.integers(-60, 60)),
)
_LIVE: list[Step] = [("live", None)]
STEPS: st.SearchStrategy[list[Step]] = st.builds(
    lambda live, steps: _LIVE * live + steps, st.booleans(), st.lists(_STEP, min_size=1, max_size=8)
)
"""What happens one after the other. An answer of 0 is to what is asked then, of 99 to nothing."""


def play_reloads(plan: Sequence[Step], tally: ReloadTally) -> None:
    """One plan through a core, and its tape through another. Raises AssertionError where the journals differ,
    or a reload was taken by halves.
    """

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
                    number = number or (wanted.number if wanted is not None else 1)
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
    tally.plans += 1
    tally.records += len(told)
    tally.changed += len(play.written(r.SettingsChanged))
    tally.asked += sum(bool(one.asked) for one in play.written(r.SettingsChanged))
    tally.answered += len(play.written(r.LooseningAnswered))
    tally.trades += len(play.book.trades)


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


def reload_at_random(first: int, count: int) -> ReloadTally:
    """Play so many plans, and as many pairs of files, drawn from a seed."""
    tally = ReloadTally()
    play_drawn(partial(play_reloads, tally=tally), first, count, STEPS)
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(os.environ, {"TSTREAM_HOME": home}):
        play_drawn(partial(change_files, Path(home), tally), first, count, drawn(), drawn())
    return tally


def change_files(home: Path, tally: ReloadTally, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    """One file takes the place of another. Raises AssertionError where half of it was taken."""
    before, after = _read(home, first), _read(home, second)
    tally.files += 1
    tally.wrong_files += (before is None) + (after is None)
    if before is None or after is None:
        return
    try:
        found = merge(before, after)
    except SettingsError:
        return
    tally.taken_keys += len(found.changes)
    tally.waiting_keys += len(found.waiting)
    assert merge(found.settings, after).changes == ()
    assert merge(before, before) == (before, (), ())
    assert {one.key for one in found.changes}.isdisjoint(found.waiting)
    for key, _ in walk(Settings):
        was, now, counts_ = (_value(one, key) for one in (before, after, found.settings))
        if isinstance(was, (dict, tuple)):
            continue
        assert counts_ == (was if key in found.waiting else now), key


def _read(home: Path, values: Mapping[str, Any]) -> Settings | None:
    found = paths.find({"TSTREAM_HOME": f"{home}"})
    found.settings_file.write_text(toml_of(dict(values)), encoding="utf-8")
    try:
        return load(found).settings
    except SettingsError:
        return None


def _value(section: Any, key: str) -> Any:
    for part in key.split("."):
        section = getattr(section, part)
    return section
