"""`python -m tests.torture [PART ...] [--seed N] [--count N]`: the long runs, each count with its seed.

`--help` names the parts. The exit status is 1 when something broke; it says how to see it again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from statistics import fmean

from bench.figures import machine, ms, quantile, table
from engine.model.market import NANOS
from tests.acceptance.cards import CARDS, Card
from tests.acceptance.drops import CUTS, PACE, trade_through_drops
from tests.acceptance.under_fire import FireTally, trade_under_fire
from tests.acceptance.venues import VENUES, kind_under_test
from tests.torture import beside, edges, interleavings, many_books, memory, reloads, texts
from tests.torture import history as histories
from tests.torture import kill_plan as kills
from tests.torture import models as trainings
from tests.torture import prefixes as causality
from tests.torture.api_attack import attack_the_api
from tests.torture.attached import SPEED, AttachedRun
from tests.torture.backups import BackedUpDay
from tests.torture.kill_points import ANY, POINTS
from tests.torture.killed_books import KilledBooks
from tests.torture.killed_day import NAKED_S, KilledDay
from tests.torture.killed_trades import KillTally, killed_at
from tests.torture.mishap_replay import NAKED_NS
from tests.torture.mishaps import COINS, Mode
from tests.torture.package import package
from tests.torture.spread import spread
from tests.torture.week import Week
from tests.torture.year import DAYS as YEAR_DAYS
from tests.torture.year import FIRST as YEAR_FIRST
from tests.torture.year import Year

SCENES, KILLS, DAYS, TEXTS = 10_000, 210, 5, 20_000
PREFIXES = 8
BOT_SCENES, BOOK_SCENES, ACCOUNT_KILLS = 1_000, 10_000, 100
NOISES, MARKETS_A_NOISE = 100, 5
LEAST_POWER = 0.5
BACKUPS = 10
HISTORY_KILLS = 20
FIRES, KILLED_TRADES = 50, 20
"""Scenes of each venue."""
MINUTES, DEARER = 30, 1.2
"""Of practice time with cockpits attached; how much longer an event may wait beside them."""
RELOADS = 500
AIM_S = 2.0
"""From the first accepted login to a protected position."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that stays where something broke, so that one can look at the journal."""
    folder = Path(tempfile.mkdtemp(prefix="tstream-torture-"))
    try:
        yield folder
    except AssertionError:
        sys.stderr.write(f"see {folder}\n")
        raise
    shutil.rmtree(folder)


def interleave(
    seed: int, count: int | None, name: str = "interleavings", modes: Sequence[Mode] = tuple(Mode)
) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    tally = spread(partial(interleavings.interleave, modes=modes), seed, count or SCENES, jobs)
    table(
        f"{name}: seeds {seed} to {seed + jobs - 1}, {tally.scenes:,} scenes,"
        f" {time.monotonic() - began:.0f} s, no invariant broken",
        ("what came to pass", "times"),
        [
            *((f"scenes: {mode}", f"{times:,}") for mode, times in sorted(tally.modes.items())),
            ("trades", f"{tally.trades:,}"),
            ("fills", f"{tally.fills:,}"),
            ("parts closed", f"{tally.parts:,}"),
            ("starts of the process", f"{tally.boots:,}"),
            *((f"asked: {what}", f"{times:,}") for what, times in sorted(tally.done.items())),
            *((what, f"{times:,}") for what, times in sorted(tally.mishaps.items())),
        ],
    )
    most = max(NAKED_NS[mode.coins] for mode in modes) / NANOS
    rows = (("all", tally.naked_s), ("only a request hung", tally.hanging_s))
    naked("where stops are our own", rows, most)


def bots(seed: int, count: int | None) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    tally = spread(beside.interleave, seed, count or BOT_SCENES, jobs)
    table(
        f"bots: seeds {seed} to {seed + jobs - 1}, {tally.scenes:,} scenes of two bots in one contract of a"
        f" book, {time.monotonic() - began:.0f} s, no invariant broken",
        ("what came to pass", "times"),
        [
            ("scenes in which both held contracts at a time", f"{tally.together:,}"),
            *((f"trades of {name}", f"{times:,}") for name, times in sorted(tally.opened.items())),
            ("starts of the process", f"{tally.boots:,}"),
        ],
    )


def books(seed: int, count: int | None) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    tally = spread(many_books.interleave, seed, count or BOOK_SCENES, jobs)
    table(
        f"books: seeds {seed} to {seed + jobs - 1}, {tally.scenes:,} scenes of three accounts on two venues"
        f" and a paper book, {time.monotonic() - began:.0f} s, no invariant broken",
        ("what came to pass", "times"),
        [
            *((f"trades of {symbol}", f"{times:,}") for symbol, times in sorted(tally.trades.items())),
            ("starts of the process", f"{tally.boots:,}"),
            ("switches to another venue's prices", f"{tally.switches:,}"),
            *((what, f"{times:,}") for what, times in sorted(tally.mishaps.items())),
        ],
    )


def naked(where: str, rows: Sequence[tuple[str, Sequence[float]]], most_s: float = NAKED_S) -> None:
    """How long the venue held something for which no stop worked."""
    table(
        f"naked {where} (at most {most_s:.0f} s where a request hangs)",
        ("", "times", "p95", "max"),
        [
            (what, f"{len(times):,}", ms(quantile(times, 0.95)), ms(max(times)))
            for what, times in rows
            if times
        ],
    )


def kill(seed: int, count: int | None) -> None:
    began = time.monotonic()
    whole = kills.Outcome()
    for number, (day_seed, planned) in enumerate(kills.days(seed, count or KILLS)):
        with scratch() as folder:
            whole.add(KilledDay(folder, day_seed, native=number % 2 == 1).play(planned))
    dead = sum(whole.kills.values()) + sum(whole.missed.values())
    table(
        f"kills: seed {seed}, {dead} times SIGKILL, {time.monotonic() - began:.0f} s;"
        f" {whole.orders} orders, none sent twice; {whole.fills} fills, none missed;"
        f" {whole.trades} trades; {whole.agreed} restarts looked at, all hold what the venue holds",
        ("killed at", "times", "not reached"),
        [(point, str(whole.kills[point]), str(whole.missed[point])) for point in (*POINTS, ANY)],
    )
    naked(
        "while tstream ran, where stops are our own",
        (("all", whole.unstopped_s), ("a stop's request hung", whole.hanging_s)),
    )
    rows = (
        ("to protected, where a position was held", whole.protected_s),
        ("to protected, where it had no stop", whole.naked_s),
        ("to verified: strategies may act", whole.verified_s),
    )
    table(
        f"from the first accepted login, real time (aim {AIM_S:.0f} s)",
        ("", "restarts", "p50", "p95", "max"),
        [
            (name, str(len(times)), ms(quantile(times, 0.5)), ms(quantile(times, 0.95)), ms(max(times)))
            for name, times in rows
            if times
        ],
    )


def week(seed: int, count: int | None) -> None:
    days = count or DAYS
    began = time.monotonic()
    with scratch() as folder:
        watched = Week(folder, seed, days).play()
    spent = time.monotonic() - began
    with scratch() as folder:
        weights = memory.resident(folder, seed, days)
    grown = memory.growth(weights)
    table(
        f"week: seed {seed}, {days} trade dates from {watched.rolls[0]}, {spent:.0f} s",
        ("", "figure"),
        [
            *((f"drops of {links}", str(times)) for links, times in sorted(watched.drops.items())),
            ("events that no hub carried", str(watched.missed_on_air)),
            ("fills, none missed", str(watched.fills)),
            ("trades, each on its trade date", str(watched.trades)),
            ("records", f"{watched.records:,}"),
            ("memory of the process at its end", f"{weights[-1] / 1e6:.1f} MB"),
            ("  last quarter to the second", f"{grown:.3f}x"),
        ],
    )
    assert grown <= memory.ALLOWED, f"the process grows {grown:.3f} times"


def api(seed: int, count: int | None) -> None:
    with scratch() as folder:
        attack_the_api(folder, seed, count)


def year(seed: int, count: int | None) -> None:
    began = time.monotonic()
    with scratch() as folder:
        tally = Year(folder, seed, days=count or YEAR_DAYS).play()
    table(
        f"year: seed {seed}, {count or YEAR_DAYS} days from {YEAR_FIRST}, {time.monotonic() - began:.0f} s;"
        " nothing missed or doubled, nothing over a deadline against its settings",
        ("", "figure"),
        [
            *((f"trades of {book}", f"{times:,}") for book, times in tally.trades.items()),
            ("fills, each taken once", f"{tally.fills.total():,}"),
            *((f"trade dates of {calendar}", str(times)) for calendar, times in tally.rolls.items()),
            ("contract months that rolled", str(tally.months)),
            *((f"closes over which {book} held", str(times)) for book, times in tally.carried.items()),
            *((f"flattened: {why}", str(times)) for why, times in sorted(tally.flattened.items())),
            *((f"refused: {why}", f"{times:,}") for why, times in sorted(tally.refused.items())),
            *((what, str(times)) for what, times in sorted(tally.happened.items())),
            ("orders and fills that no stream told", f"{tally.untold:,}"),
            ("longest without a stop that could have been there", ms(tally.naked_s)),
            ("records", f"{tally.records:,}"),
            ("starts of the process", str(tally.boots)),
        ],
    )


def alerts(seed: int, count: int | None) -> None:
    began = time.monotonic()
    tally = texts.fuzz(seed, count or TEXTS)
    table(
        f"alerts: seed {seed}, {tally.texts:,} texts, {time.monotonic() - began:.0f} s; none raised,"
        f" {tally.traded:,} traded, each an alert to a strict reader too",
        ("what the others were", "texts"),
        [(reason, f"{times:,}") for reason, times in tally.reasons.most_common()],
    )


def accounts(seed: int, count: int | None) -> None:
    began = time.monotonic()
    with scratch() as folder:
        outcome = KilledBooks(folder, seed).play(count or ACCOUNT_KILLS)
    table(
        f"accounts: seed {seed}, {outcome.kills.total()} kills, {time.monotonic() - began:.0f} s; two"
        " accounts of one login, one at a second venue, and a paper book, two bots and a room in each:"
        " nothing lost or doubled",
        ("", "figure"),
        [
            *((f"killed: {who}", str(times)) for who, times in sorted(outcome.kills.items())),
            *((f"fills of {book}, none missed", str(times)) for book, times in outcome.fills.items()),
            *((f"trades opened by the {bot} bot", str(times)) for bot, times in sorted(outcome.bots.items())),
            ("alerts of the room that a book traded, each once", str(outcome.alerts)),
            ("trades at the venues", str(outcome.trades)),
            ("trades of the paper book", str(outcome.paper_trades)),
            ("from a kill to all books agreed and protected, p50", ms(quantile(outcome.agreed_s, 0.5))),
            ("  p95", ms(quantile(outcome.agreed_s, 0.95))),
            ("  max", ms(max(outcome.agreed_s))),
        ],
    )


def discovery(seed: int, count: int | None) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    noises = count or NOISES
    noise = spread(edges.noise, seed, noises, jobs)
    planted = {
        what: spread(play, seed, max(2, noises // MARKETS_A_NOISE), jobs)
        for what, play in edges.PLANTED.items()
    }
    table(
        f"discovery: seed {seed}, {time.monotonic() - began:.0f} s; an edge in noise at most in"
        f" {edges.RULES.error_rate:.0%} of the runs",
        ("market", "searches", "candidates", "with an edge", "share", "the planted pattern among them"),
        [
            ("noise", f"{noise.runs}", f"{noise.candidates:,}", f"{noise.found}", f"{noise.share:.0%}", ""),
            *(
                (
                    what,
                    f"{one.runs}",
                    f"{one.candidates:,}",
                    f"{one.found}",
                    f"{one.share:.0%}",
                    f"{one.named}",
                )
                for what, one in planted.items()
            ),
        ],
    )
    assert noise.found <= edges.RULES.error_rate * noise.runs, f"edges in noise: {noise.edges}"
    weak = {what: one.share for what, one in planted.items() if one.share < LEAST_POWER}
    assert not weak, f"too rarely found: {weak}"


def models(seed: int, count: int | None) -> None:
    """Trainings on noise, which must not be called an edge, and on markets in which one was planted."""
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    noises = count or NOISES
    noise = spread(trainings.noise, seed, noises, jobs)
    planted = spread(trainings.planted, seed, max(2, noises // MARKETS_A_NOISE), jobs)
    table(
        f"models: seed {seed}, {time.monotonic() - began:.0f} s; {trainings.MINUTES:,} minutes each",
        ("market", "trainings", "better than the rules", "off by, mean", "worst", "R, rules", "R, model"),
        [
            (
                what,
                f"{one.runs}",
                f"{one.better}",
                f"{fmean(one.calibration):.3f}",
                f"{max(one.calibration):.3f}",
                f"{fmean(one.rules_r):+.3f}",
                f"{fmean(one.model_r):+.3f}",
            )
            for what, one in (("noise", noise), ("a drift after breaks of structure", planted))
        ],
    )
    assert noise.better <= trainings.RULES.error_rate * noise.runs, f"edges in noise: {noise.said}"
    assert planted.better >= LEAST_POWER * planted.runs, f"too rarely found: {planted.better}"
    assert fmean(planted.calibration) <= trainings.RULES.most_calibration_error, "badly calibrated"


def prefixes(seed: int, count: int | None) -> None:
    began = time.monotonic()
    found = list(causality.proofs(count or PREFIXES, seed))
    table(
        f"prefixes: seed {seed}, {time.monotonic() - began:.0f} s; what is said at each close of a prefix,"
        " beside the whole series",
        ("", "bars", "events", "prefixes", "closes told otherwise"),
        [
            (f"{it.series} {it.timeframe}", f"{it.bars:,}", f"{it.events:,}", str(it.cuts), str(it.changed))
            for it in found
        ],
    )
    assert found, "there are no recordings"
    assert not any(one.changed for one in found)


def venues(seed: int, count: int | None) -> None:
    """Each venue's twin with its adapter and an engine: every acceptance card, then trades while a handful of
    faults is at work.
    """
    rows = []
    for name in VENUES:
        began, tally = time.monotonic(), FireTally()
        for card in CARDS:
            with scratch() as folder:
                asyncio.run(on_twin(name, card, folder))
        for number in range(seed, seed + (count or FIRES)):
            with scratch() as folder:
                asyncio.run(on_twin(name, partial(trade_under_fire, seed=number, tally=tally), folder))
        armed = sum(tally.faults.values())
        took = f"{time.monotonic() - began:.0f} s"
        rows.append(
            (name, f"{tally.scenes:,}", f"{tally.trades:,}", f"{armed:,}", f"{tally.crashes:,}", took)
        )
    table(
        f"venues: {len(CARDS)} cards each, seeds {seed} and on; never short, never too much, nothing left",
        ("", "scenes", "trades", "faults", "crashes", "time"),
        rows,
    )


def killed(seed: int, count: int | None) -> None:
    """Each venue's twin with a process that trades at it, and is killed at some moment and again."""
    rows = []
    for name in (*VENUES, "ibkr"):
        began, tally = time.monotonic(), KillTally()
        for number in range(seed, seed + (count or KILLED_TRADES)):
            with scratch() as folder:
                asyncio.run(killed_at(name, folder, number, tally))
        kills, worst = f"{sum(tally.kills.values()):,}", ms(max(tally.restart_s))
        took = f"{time.monotonic() - began:.0f} s"
        rows.append((name, f"{tally.scenes:,}", f"{tally.trades:,}", kills, f"{tally.again:,}", worst, took))
        moments = ", ".join(f"{what}: {times}" for what, times in sorted(tally.kills.items()))
        sys.stdout.write(f"{name}: {moments}\n")
    table(
        f"killed: seeds {seed} and on, SIGKILL and a new process; never short, never too much, nothing left",
        ("", "scenes", "trades", "kills", "commands given twice", "start to safe, max", "time"),
        rows,
    )


def drops(seed: int, count: int | None) -> None:
    """Each venue's twin at ten times its pace, with connections that are cut or end with their session."""
    rows = []
    for name in VENUES:
        began = time.monotonic()
        with scratch() as folder:
            tally = asyncio.run(trade_through_drops(name, seed, folder, count or CUTS))
        cut = ", ".join(f"{how} {times}" for how, times in sorted(tally.cuts.items()))
        took = f"{time.monotonic() - began:.0f} s"
        figures = (tally.downs, tally.trades, tally.fills, tally.minutes, tally.marked)
        rows.append((name, cut, *(f"{figure:,}" for figure in figures), took))
    table(
        f"drops: seed {seed}, over sockets at x{PACE:g}; no fill, cent or minute missed or doubled",
        ("", "cuts", "links told down", "trades", "fills", "minutes", "marked as cut", "time"),
        rows,
    )


async def on_twin(name: str, card: Card, folder: Path) -> None:
    async with kind_under_test(name) as venue:
        await card(venue, folder)


def attached(seed: int, count: int | None) -> None:
    minutes = count or MINUTES
    with scratch() as folder:
        seen = AttachedRun(folder, seed, minutes).play()
    alone, beside = quantile(seen.alone, 0.5), quantile(seen.beside, 0.5)
    table(
        f"attached: seed {seed}, {minutes} practice minutes at {SPEED} times the pace, alone and with three"
        " cockpits: one over a pipe, one stalled, one killed at random",
        ("", "figure"),
        [
            ("event wait p99 alone, median of looks, worst", f"{alone:.2f}, {max(seen.alone):.2f} ms"),
            ("event wait p99 with the three", f"{beside:.2f}, {max(seen.beside):.2f} ms"),
            (f"  the one to the other (at most {DEARER:g}x)", f"{beside / alone:.2f}x"),
            ("cockpits killed, nothing at the engine", f"{seen.kills}"),
            ("painted over the pipe", f"{seen.painted / 1e6:.1f} MB"),
            *((f"a command over a lag of {lag:g} s", fate) for lag, fate in seen.lags.items()),
            ("from the engine's kill to a screen that says so", ms(max(seen.told_s))),
            ("from an engine that answers to cockpits attached again", ms(max(seen.back_s))),
        ],
    )
    assert beside <= DEARER * alone, f"events wait {beside / alone:.2f} times as long beside cockpits"


def backups(seed: int, count: int | None) -> None:
    began = time.monotonic()
    with scratch() as folder:
        tally = BackedUpDay(folder, seed).play(count or BACKUPS)
    table(
        f"backups: seed {seed}, {time.monotonic() - began:.0f} s; {len(tally.made_s)} made beside an engine"
        f" that was killed {tally.kills} times, {len(tally.records)} of them put back: the state is the fold"
        " at that record",
        ("", "figure"),
        [
            ("records at which they end", ", ".join(f"{seq:,}" for seq in sorted(tally.records))),
            ("to make one, p50", ms(quantile(tally.made_s, 0.5))),
            ("  max", ms(max(tally.made_s))),
            ("to put one back, max", ms(max(tally.restored_s))),
            ("makers killed at a random moment", str(tally.makers_killed)),
            ("  that had finished; each is whole", str(tally.whole)),
            ("restorers killed at a random moment, and done again", str(tally.restorers_killed)),
        ],
    )


def history(seed: int, count: int | None) -> None:
    """PostgreSQL and the follower killed under load; rows beside the journal afterwards."""
    began = time.monotonic()
    with scratch() as folder:
        tally = histories.play(folder, seed, count or HISTORY_KILLS)
    table(
        f"history: seed {seed}, {time.monotonic() - began:.0f} s; {tally.records:,} records written in"
        f" {tally.written_s:.0f} s, {tally.rows:,} rows, each as the journal tells it",
        ("", "figure"),
        [
            ("kills of PostgreSQL, started again", f"{tally.database_kills}"),
            ("kills of the follower", f"{tally.follower_kills}"),
            ("most records behind", f"{tally.deepest_lag:,}"),
            ("from the last record to the last row", ms(tally.caught_up_s)),
            *(
                (f"rows of {name}, none missing, none wrong", f"{rows:,}")
                for name, rows in tally.tables.items()
            ),
        ],
    )


def packaged(seed: int, count: int | None) -> None:
    with scratch() as folder:
        found = package(folder)
    table(
        "package: a wheel of this tree, installed and run outside of it",
        ("", "figure"),
        [
            ("it says", found.version),
            ("wheel", f"{found.wheel_bytes / 1e6:.1f} MB"),
            ("files in it that are no code", str(found.data_files)),
            ("to install it with what it needs", f"{found.installed_s:.0f} s"),
        ],
    )


def reload(seed: int, count: int | None) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    tally = spread(reloads.reload_at_random, seed, count or RELOADS, jobs)
    table(
        f"reload: seeds {seed} to {seed + jobs - 1}, {tally.plans:,} runs and {tally.files:,} changed files,"
        f" {time.monotonic() - began:.0f} s; none taken by halves, each tape gave the same journal",
        ("", "figure"),
        [
            ("records", f"{tally.records:,}"),
            ("trades", f"{tally.trades:,}"),
            ("reloads that changed something", f"{tally.changed:,}"),
            ("that asked before they loosened", f"{tally.asked:,}"),
            ("answers", f"{tally.answered:,}"),
            ("files that were wrong", f"{tally.wrong_files:,}"),
            ("keys taken", f"{tally.taken_keys:,}"),
            ("keys that wait for a start", f"{tally.waiting_keys:,}"),
        ],
    )


PARTS: dict[str, Callable[[int, int | None], None]] = {
    "interleavings": interleave,
    "perpetuals": partial(interleave, name="perpetuals", modes=(Mode.PERPETUAL,)),
    "coins": partial(interleave, name="coins", modes=COINS),
    "bots": bots,
    "books": books,
    "kills": kill,
    "accounts": accounts,
    "week": week,
    "api": api,
    "year": year,
    "alerts": alerts,
    "discovery": discovery,
    "models": models,
    "prefixes": prefixes,
    "venues": venues,
    "killed": killed,
    "drops": drops,
    "attached": attached,
    "backups": backups,
    "package": packaged,
    "history": history,
    "reload": reload,
}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="The long runs.")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; all of them by default"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="scenes, kills, trade dates, texts, markets, or prefixes")
    asked = parser.parse_args(argv)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    sys.stdout.write(f"{machine()}\n")
    failed = Counter[str]()
    for name in asked.parts or PARTS:
        try:
            PARTS[name](asked.seed, asked.count)
        except AssertionError:
            failed[name] += 1
            traceback.print_exc()
            sys.stdout.write(f"\n{name}: BROKEN; again with: {name} --seed {asked.seed}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
