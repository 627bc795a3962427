"""The long runs at the venues' twins: cards, faults, kills and cuts; accounts whose processes are killed."""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from pathlib import Path

from bench.figures import ms, quantile, table
from tests.acceptance.cards import CARDS, Card
from tests.acceptance.drops import CUTS, PACE, trade_through_drops
from tests.acceptance.under_fire import FireTally, trade_under_fire
from tests.acceptance.venues import VENUES, kind_under_test
from tests.torture.killed_books import KilledBooks
from tests.torture.killed_trades import KillTally, killed_at
from tests.torture.told import scratch

ACCOUNT_KILLS = 100
FIRES, KILLED_TRADES = 50, 20
"""Scenes of each venue."""
AIM_S = 2.0
"""From the first accepted login to a protected position."""


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
