"""A small share of `make torture`, the same every time. The numbers grow there, the code is this."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from engine.model.market import MINUTE, NANOS, Side
from tests.torture import beside, edges, many_books
from tests.torture.interleavings import interleave
from tests.torture.kill_plan import Kill, plan
from tests.torture.kill_points import ANY, POINTS
from tests.torture.killed_day import NAKED_S, KilledDay
from tests.torture.mishap_replay import NAKED_NS, play
from tests.torture.mishaps import COINS, FUTURES, Fate, Kind, Mishap, Mode, Move, Scene
from tests.torture.outages import DROPS, EXPIRIES
from tests.torture.spread import shares_of
from tests.torture.week import Week
from tests.torture.year import Year

SEED = 1


def test_no_interleaving_breaks_an_invariant() -> None:
    tally = interleave(SEED, 70, (*FUTURES, Mode.PERPETUAL))
    assert tally.scenes >= 70
    assert tally.trades > 70
    assert tally.boots > tally.scenes
    assert max(tally.hanging_s) <= NAKED_S < max(tally.naked_s), (
        "a kill may cost more, a request that hangs not"
    )
    assert {what.partition(": ")[0] for what in tally.mishaps} == {
        "request", "answer", "stream", "truth", "commit"
    }  # fmt: skip


def test_no_interleaving_of_coins_breaks_an_invariant() -> None:
    """At a venue without brackets that tells balances, and may set coins aside for the stop that has them."""
    tally = interleave(SEED, 40, COINS)
    assert tally.trades > 30
    assert tally.parts > 3
    assert max(tally.hanging_s) <= NAKED_NS[True] / NANOS


def test_no_interleaving_of_several_books_breaks_an_invariant() -> None:
    tally = many_books.interleave(SEED, 5)
    assert tally.scenes >= 5
    assert min(tally.trades[symbol] for symbol in many_books.SYMBOLS) > 3
    assert set(tally.mishaps) <= set(many_books.What)


def test_no_interleaving_of_two_bots_in_one_contract_breaks_an_invariant() -> None:
    tally = beside.interleave(SEED, 5)
    assert tally.scenes >= 5
    assert tally.together
    assert set(tally.opened) == set(beside.NAMES)


def test_a_search_of_noise_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """tests/lab has small searches with and without an edge; this is how they are added up."""
    monkeypatch.setattr(edges, "MINUTES", 700)
    noise = edges.noise(SEED, 1)
    noise += edges.noise(SEED, 1)
    assert (noise.runs, noise.found, noise.share) == (2, 0, 0.0)
    assert noise.candidates > 500


def test_a_scene_plays_the_same_every_time() -> None:
    mishaps = (Mishap(Kind.STREAM, 6, Fate.KILLED_AFTER, 300), Mishap(Kind.REQUEST, 4, Fate.LATE, 1_200))
    scene = Scene(Mode.NATIVE, Side.SELL, 2, (Move(84, 10), Move(-20, 5)), mishaps, ())
    first, second = play(scene), play(scene)
    assert first.suffered == list(mishaps)
    assert first.journal == second.journal


def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kills = [Kill("before reply", 1), Kill("after stop modified", 1), Kill("before close", 1), Kill(ANY, 20)]
    day = KilledDay(tmp_path, SEED)
    outcome = day.play(kills)
    assert sum(outcome.kills.values()) == len(kills), f"not reached: {outcome.missed}"
    assert outcome.agreed >= len(kills)
    assert outcome.fills > 0


def test_the_plan_of_kills_goes_round_all_points() -> None:
    for count in (42, 210, 1000):
        kills = plan(random.Random(SEED), count)
        assert len(kills) == count
        assert all(sum(kill.point == point for kill in kills) >= 3 for point in POINTS)


def test_f24_a_virtual_day_while_the_clocks_of_two_continents_disagree(tmp_path: Path) -> None:
    tally = Week(tmp_path, SEED, days=1).play()
    assert sum(tally.drops.values()) == DROPS + EXPIRIES
    assert tally.missed_on_air > 0
    assert tally.fills > 20


@pytest.mark.parametrize(("month", "friday"), [(3, 6), (3, 27), (10, 23), (10, 30)])
def test_days_around_each_change_of_a_clock(month: int, friday: int, tmp_path: Path) -> None:
    """From the Friday before the US and the EU change theirs to the Monday after."""
    tally = Year(tmp_path, SEED, date(2026, month, friday), 3, step_ns=5 * MINUTE, one_in=40).play()
    assert set(tally.rolls.values()) == {4}
    assert sum(tally.trades.values()) > 12


@pytest.mark.parametrize(("count", "jobs"), [(10, 2), (7, 3), (2, 8), (1, 1)])
def test_each_seed_of_what_is_spread_is_played_once(count: int, jobs: int) -> None:
    shares = shares_of(5, count, jobs)
    assert len(shares) == min(count, jobs)
    assert [seed for first, many in shares for seed in range(first, first + many)] == list(
        range(5, 5 + count)
    )
