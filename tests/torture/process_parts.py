"""The long runs of whole processes: kills, a week, cockpits attached, backups, the history, the package."""

from __future__ import annotations

import time

from bench.figures import ms, quantile, table
from tests.torture import history as histories
from tests.torture import kill_plan as kills
from tests.torture import memory
from tests.torture.attached import SPEED, AttachedRun
from tests.torture.backups import BackedUpDay
from tests.torture.kill_points import ANY, POINTS
from tests.torture.killed_day import KilledDay
from tests.torture.package import package
from tests.torture.told import naked, scratch
from tests.torture.week import Week

KILLS, DAYS = 210, 5
BACKUPS = 10
HISTORY_KILLS = 20
MINUTES, DEARER = 30, 1.2
"""Of practice time with cockpits attached; how much longer an event may wait beside them."""
AIM_S = 2.0
"""From the first accepted login to a protected position."""


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


def attached(seed: int, count: int | None) -> None:
    minutes = count or MINUTES
    with scratch() as folder:
        seen = AttachedRun(folder, seed, minutes).play()
    alone, beside = quantile(seen.alone, 0.5), quantile(seen.beside, 0.5)
    prints = [count for one in seen.prints.values() for count in one]
    table(
        f"attached: seed {seed}, {minutes} practice minutes at {SPEED} times the pace, alone and with three"
        " cockpits: one over a pipe, one stalled, one killed at random",
        ("", "figure"),
        [
            ("event wait p99 alone, median of looks, worst", f"{alone:.2f}, {max(seen.alone):.2f} ms"),
            ("event wait p99 with the three", f"{beside:.2f}, {max(seen.beside):.2f} ms"),
            (f"  the one to the other (at most {DEARER:g}x)", f"{beside / alone:.2f}x"),
            ("prints that each engine heard meanwhile", f"{min(prints):,} to {max(prints):,}"),
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
