"""tstream scan --report: what the journal knows of each signal, beside what its backtest promised."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.common.redaction import printable
from adapters.store.reading import stored
from engine.books.bots import backtest_view
from engine.model import records as r
from engine.model.errors import FatalError, JournalError
from engine.model.expectation import Expectation
from engine.model.view import BacktestView
from engine.portfolio.expected import ERROR_RATE, p_value
from engine.state.fold import apply
from engine.state.state import State
from tstream import paths
from tstream.errors import CommandError
from tstream.settings.venues import SCAN

TEST = (
    "The test: a bet that is fair while a signal keeps its backtest's mean, and that is looked at after each "
    "trade. A signal is below the band where p, the chance of results so bad at any time, is 5 % or less; "
    "`at most` is the most that its true mean is, with 95 % confidence."
)


class SignalReport(Struct, frozen=True):
    """One signal. R is the net result in units of the risk."""

    signal: str
    """Name of its bot."""
    backtest: BacktestView
    verdict: str
    paused: str = ""
    """Why; empty while it is not."""


class ScanReport(Struct, frozen=True):
    signals: tuple[SignalReport, ...]
    trades: int
    total_r: float
    expected_r: float
    """What so many trades would have come to, had each kept its promise."""
    p: float
    """Of all of them together, in the order in which they came."""
    behind: bool


def scan_report(journal: Path | None, as_json: bool) -> int:
    """Print it; gives the exit code. Raises CommandError, FatalError."""
    file = journal or paths.find().last_run()
    if file is None:
        raise CommandError("there is no run yet; start tstream scan once")
    told = read_report(stored(file))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told)).decode() + "\n")
    else:
        show(told, Console(highlight=False, markup=False))
    return 0


def read_report(records: Iterable[tuple[int, bytes]]) -> ScanReport:
    """Fold a journal. Raises FatalError for a record that can't be read, or does not fit the others."""
    state, results, promised = State(), list[tuple[Expectation, float]](), dict[str, Expectation]()
    for seq, raw in records:
        try:
            record = r.decode(raw)
            if isinstance(record, r.PlanOpened) and record.plan.book == SCAN and record.plan.expectation:
                promised[record.plan.bot] = record.plan.expectation
            elif isinstance(record, r.IdeaRefused) and record.book == SCAN and record.idea.expectation:
                promised[record.idea.bot] = record.idea.expectation
            if isinstance(record, r.PatternEnded) and record.book == SCAN:
                plan = state.book(SCAN).plans[record.plan_id].plan
                if plan.expectation is not None:
                    results.append((plan.expectation, record.r))
            apply(state, record)
        except JournalError as error:
            raise FatalError(f"record {seq} of the journal can't be read: {error}") from error
        except (KeyError, IndexError, ValueError) as error:
            raise FatalError(f"record {seq} of the journal does not fit the others: {error!r}") from error
    signals = tuple(_signal(state, bot, told) for bot, told in sorted(promised.items()))
    p = p_value(results)
    return ScanReport(
        signals,
        len(results),
        round(sum(one for _, one in results), 4),
        round(sum(told.mean_r for told, _ in results), 4),
        p,
        p <= ERROR_RATE,
    )


def _signal(state: State, bot: str, told: Expectation) -> SignalReport:
    known = state.book(SCAN).results.get(bot)
    view = backtest_view(told, known.r if known is not None and known.expected == told else ())
    return SignalReport(bot, view, view.verdict, state.stopped_bots.get(bot, ""))


def show(told: ScanReport, console: Console) -> None:
    """As a table, then what it comes to."""
    if not told.signals:
        console.print("no signal has been played yet")
        return
    console.print(_table(told.signals))
    for line in lines(told):
        console.print(line)


def _table(signals: Sequence[SignalReport]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.title = "trades, won, R a trade net; is each within its band?"
    table.title_justify = "left"
    table.add_column("signal", overflow="fold")
    for name in ("backtest", "live", "at most", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for one in signals:
        told = one.backtest
        live = "-"
        if told.live_mean_r is not None:
            won = told.live_wins / told.live_trades
            live = f"{told.live_trades} {won:.0%} {told.live_mean_r:+.2f}"
        table.add_row(
            printable(one.signal.removeprefix("scan-")),
            f"{told.trades} {told.win_rate:.0%} {told.mean_r:+.2f}",
            live,
            "-" if told.at_most_r is None else f"{told.at_most_r:+.2f}",
            f"{told.p:.3f}",
            Text(
                f"{one.verdict.removesuffix(' the band')}{', paused' if one.paused else ''}",
                "bold red" if told.behind else "",
            ),
        )
    return table


def lines(told: ScanReport) -> Iterator[str]:
    """Trades, what they came to beside what they should have, and how that is judged."""
    for one in told.signals:
        if one.paused:
            yield f"{printable(one.signal)} is paused by {printable(one.paused)}"
    verdict = "below" if told.behind else "within"
    yield (
        f"all together: {told.trades} trades, {told.total_r:+.2f} R; their backtests expect "
        f"{told.expected_r:+.2f} R (p {told.p:.3f}): {verdict} the band"
    )
    yield TEST
