"""`python -m tests.torture [PART ...] [--seed N] [--count N]`: the long runs, each count with its seed.

`--help` names the parts. The exit status is 1 when something broke; it says how to see it again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from io import TextIOWrapper
from statistics import fmean

from bench.figures import machine, ms, table
from engine.model.market import NANOS
from tests.support.quantile_series import LEVELS
from tests.torture import (
    beside,
    edges,
    interleavings,
    many_books,
    process_parts,
    reloads,
    texts,
    venue_parts,
)
from tests.torture import deep as depths
from tests.torture import models as trainings
from tests.torture import prefixes as causality
from tests.torture.api_attack import attack_the_api
from tests.torture.mishap_replay import NAKED_NS
from tests.torture.mishaps import COINS, Mode
from tests.torture.models import TrainingTally
from tests.torture.spread import spread, spread_seeds
from tests.torture.told import naked, scratch
from tests.torture.year import DAYS as YEAR_DAYS
from tests.torture.year import FIRST as YEAR_FIRST
from tests.torture.year import Year

SCENES, TEXTS = 10_000, 20_000
PREFIXES = 8
BOT_SCENES, BOOK_SCENES = 1_000, 10_000
NOISES, MARKETS_A_NOISE, DEEP_RUNS = 100, 5, 10
LEAST_POWER = 0.5
MOST_OFF = 0.03
"""Mean distance between what a quantile says and how often outcomes were not above it."""
RELOADS = 500


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


def discovery(seed: int, count: int | None) -> None:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    noises = count or NOISES
    noise = spread_seeds(edges.noise, seed, noises, jobs)
    planted = {
        what: spread_seeds(play, seed, max(2, noises // MARKETS_A_NOISE), jobs)
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
    noises = count or NOISES
    noise, planted = _trained("models", seed, noises, trainings.noise, trainings.planted)
    assert noise.better <= trainings.RULES.error_rate * noise.runs, f"edges in noise: {noise.said}"
    assert planted.better >= LEAST_POWER * planted.runs, f"too rarely found: {planted.better}"
    assert fmean(planted.calibration) <= trainings.RULES.most_calibration_error, "badly calibrated"


def deep(seed: int, count: int | None) -> None:
    """A deep model on series whose quantiles are known, and beside trees on markets that were made up."""
    if find_spec("torch") is None:
        sys.stdout.write("deep: torch is not installed: pip install 'tstream[deep]'\n")
        return
    began, jobs, runs = time.monotonic(), os.cpu_count() or 1, count or DEEP_RUNS
    found = spread_seeds(depths.quantiles, seed, runs, jobs)
    losses = {
        "the true ones": found.true,
        "the deep model": found.deep,
        "always the same": found.naive,
        "LightGBM, of the newest close": found.newest,
        "LightGBM, of all that the deep model is given": found.same,
    }
    table(
        f"deep: seed {seed}, {runs} series whose quantiles are known, {depths.FITTED:,} rows to learn from"
        f" and {depths.ROWS - depths.FITTED} that follow, {time.monotonic() - began:.0f} s",
        ("pinball loss", "mean", "worst"),
        [(name, f"{fmean(one):.4f}", f"{max(one):.4f}") for name, one in losses.items()],
    )
    rows = zip(LEVELS, zip(*found.below, strict=True), strict=True)
    table(
        "deep: how often outcomes were not above its quantiles",
        ("quantile", "mean", "least", "most"),
        [(f"{level:.0%}", *(f"{of(one):.1%}" for of in (fmean, min, max))) for level, one in rows],
    )
    assert fmean(found.off) <= MOST_OFF, "quantiles are not passed as often as they say"
    assert all(deep < naive for deep, naive in zip(found.deep, found.naive, strict=True)), (
        "no better than naive"
    )
    assert fmean(found.deep) < fmean(found.newest), "no better than trees of the newest close"
    began = time.monotonic()
    kept = {
        name: spread_seeds(play, seed, runs if name == "noise" else max(2, runs // MARKETS_A_NOISE), jobs)
        for name, play in depths.MARKETS.items()
    }
    table(
        f"deep: seed {seed}, trained beside trees, {time.monotonic() - began:.0f} s",
        ("market", "trainings", "deep model kept", "better than the rules"),
        [(name, f"{one.runs}", f"{one.deep}", f"{one.better}") for name, one in kept.items()],
    )
    sys.stdout.write("".join(f"  {name}, {said}\n" for name, one in kept.items() for said in one.said[:2]))
    before, in_steps, noise = kept.values()
    most = max(1.0, trainings.RULES.error_rate * noise.runs)  # one in few is no proof
    assert before.deep >= LEAST_POWER * before.runs, f"too rarely kept: {before.said}"
    assert not in_steps.deep, f"kept where trees are better: {in_steps.said}"
    assert noise.better <= most, f"edges in noise: {noise.said}"
    assert noise.deep <= most, f"kept in noise: {noise.said}"


def _trained(
    name: str,
    seed: int,
    noises: int,
    noise: Callable[[int, int], TrainingTally],
    planted: Callable[[int, int], TrainingTally],
) -> tuple[TrainingTally, TrainingTally]:
    began = time.monotonic()
    jobs = os.cpu_count() or 1
    found = (
        spread_seeds(noise, seed, noises, jobs),
        spread_seeds(planted, seed, max(2, noises // MARKETS_A_NOISE), jobs),
    )
    table(
        f"{name}: seed {seed}, {time.monotonic() - began:.0f} s; {trainings.MINUTES:,} minutes each",
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
            for what, one in zip(("noise", "a drift after breaks of structure"), found, strict=True)
        ],
    )
    return found


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
    "kills": process_parts.kill,
    "accounts": venue_parts.accounts,
    "week": process_parts.week,
    "api": api,
    "year": year,
    "alerts": alerts,
    "discovery": discovery,
    "models": models,
    "deep": deep,
    "prefixes": prefixes,
    "venues": venue_parts.venues,
    "killed": venue_parts.killed,
    "drops": venue_parts.drops,
    "attached": process_parts.attached,
    "backups": process_parts.backups,
    "package": process_parts.packaged,
    "history": process_parts.history,
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
