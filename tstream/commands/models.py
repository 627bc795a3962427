"""tstream models: list, show, promote, take back."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import msgspec
from rich.console import Console
from rich.table import Table

from adapters.common.redaction import printable
from adapters.models.store import ListedModel, ModelStore
from engine.model.opinion import ModelCard
from engine.signals.features import HASH, NAMES
from tstream import paths
from tstream.clock import iso, wall_ns
from tstream.errors import CommandError
from tstream.reports.numbers import in_r, percent

_DASH = "—"


def store_of() -> ModelStore:
    """The models of this installation."""
    return ModelStore(paths.find().models, HASH, len(NAMES))


def list_models(as_json: bool) -> int:
    """Print all of them; gives the exit code. Raises FatalError."""
    found = store_of().listed()
    if as_json:
        sys.stdout.write(msgspec.json.encode([_plain(one) for one in found]).decode() + "\n")
        return 0
    console = Console(highlight=False, markup=False)
    if not found:
        console.print("there are no models yet: tstream train makes them")
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "model", "trained to"):
        table.add_column(name, no_wrap=True)
    for name in ("trades", "R each", "rules", "off by"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("than rules")
    for one in found:
        if one.found is not None:
            table.add_row("*" if one.is_champion else "", one.name, *_cells(one.found.card))
    if table.row_count:
        console.print(table)
    for one in found:
        if one.found is None:  # a line of its own: it is long
            counts = "* " if one.is_champion else ""
            console.print(f"{counts}{one.name} can't be asked: {printable(one.problem)}", soft_wrap=True)
    if any(one.is_champion for one in found):
        console.print("* counts; trades, R and calibration error are out of sample")
    else:
        console.print("none counts: rules alone. tstream models promote MODEL lets one count")
    return 0


def _cells(card: ModelCard) -> Iterator[str]:
    metrics = card.metrics
    yield iso(card.trained_to)[:10]
    yield f"{metrics.get('trades') or 0:,.0f}"
    yield in_r(metrics.get("mean_r")).removesuffix(" R")
    yield in_r(metrics.get("rules_mean_r")).removesuffix(" R")
    yield percent(metrics.get("calibration_error"))
    yield "better" if card.better else "no better"


def _plain(one: ListedModel) -> dict[str, object]:
    card = {} if one.found is None else {"hash": one.found.hash, **msgspec.to_builtins(one.found.card)}
    return {"name": one.name, "champion": one.is_champion, "problem": one.problem, **card}


def show(name: str | None, as_json: bool) -> int:
    """Print one of them; gives the exit code. Raises FatalError; CommandError where none counts."""
    store = store_of()
    champion = store.champion()
    asked = name or champion
    if not asked:
        raise CommandError("no model counts: tstream models list tells which there are")
    found = store.read(asked)
    if as_json:
        plain = _plain(ListedModel(asked, asked == champion, found))
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain)).decode() + "\n")
        return 0
    console = Console(highlight=False, markup=False)
    for line in card_lines(found.card):
        console.print(printable(line), soft_wrap=True)
    console.print(f"  {'hash':18} {found.hash}")
    report = found.path.with_suffix(".html")
    if report.exists():
        console.print(f"  {'report':18} {report}", soft_wrap=True)
    console.print()
    console.print("It counts." if asked == champion else "It does not count.")
    for change in store.changes():
        if change.name == asked:
            console.print(f"  {iso(change.ts)[:16]} UTC  {printable(change.reason)}", soft_wrap=True)
    return 0


def card_lines(card: ModelCard) -> Iterator[str]:
    """What a card says, for people."""
    barriers, metrics = card.barriers, card.metrics
    yield f"{card.name}: {card.verdict}"
    yield f"  {'judges':18} {', '.join(card.instruments) or 'any contract'} at each close of {card.timeframe}"
    yield (
        f"  {'asked':18} {barriers.target_r:g} R before the stop, which is {barriers.stop_atr:g} ATR away,"
        f" within {barriers.bars} closes"
    )
    yield (
        f"  {'trained on':18} {', '.join(card.sources)}: {card.rows:,} examples,"
        f" {iso(card.trained_from)[:10]} to {iso(card.trained_to)[:10]}"
    )
    yield f"  {'takes from':18} {percent(card.thresholds.get('probability'))} on"
    for name, words in _METRICS:
        if name.startswith("pinball") and name not in metrics:
            continue  # of a deep model only
        value = metrics.get(name)
        yield f"  {words:18} {_DASH if value is None else _number(name, value)}"
    if card.quantiles:
        shown = ", ".join(f"{percent(level, 0)} {percent(below, 0)}" for level, below in card.quantiles)
        yield f"  {'quantiles held':18} {shown}"
    if card.looks_at:
        shown = ", ".join(f"{name.replace('_', ' ')} {percent(share, 0)}" for name, share in card.looks_at)
        yield f"  {'looks at':18} {shown}"
    if card.looks_back:
        shares = ", ".join(percent(share, 0) for share in card.looks_back)
        yield f"  {'looks back':18} {shares} of the newest close and those 1 to {card.window - 1} closes back"
    if card.parent:
        yield f"  {'compared with':18} {card.parent}"
    if card.reason:
        yield f"  {'decided':18} {card.reason}"


_METRICS = (
    ("calibration_error", "off by"),
    ("brier", "Brier score"),
    ("brier_of_base", "  of the base rate"),
    ("auc", "AUC"),
    ("lift", "lift of a tenth"),
    ("trades", "trades"),
    ("mean_r", "R each"),
    ("rules_trades", "rules: trades"),
    ("rules_mean_r", "rules: R each"),
    ("choice_p", "p of its choice"),
    ("deflated_sharpe", "deflated Sharpe"),
    ("pbo", "overfitting"),
    ("pinball", "pinball loss, R"),
    ("pinball_of_base", "  of always the same"),
)


def _number(name: str, value: float) -> str:
    if name in ("calibration_error", "deflated_sharpe", "pbo"):
        return percent(value)
    if name.endswith("trades"):
        return f"{value:,.0f}"
    if name.endswith("_r"):
        return f"{value:+.3f}"
    return f"{value:.4f}" if name.startswith(("brier", "pinball")) else f"{value:.3f}"


def promote(name: str, force: bool) -> int:
    """Let it count; gives the exit code. Raises FatalError, CommandError."""
    store = store_of()
    card = store.read(name).card
    if not card.better and not force:
        raise CommandError(f"{name} is {card.verdict}", "--force lets it count all the same")
    store.promote(name, "by hand" + " with --force" * (not card.better), wall_ns())
    sys.stdout.write(f"{name} counts\n")
    return 0


def roll_back() -> int:
    """Put the one before back; gives the exit code. Raises FatalError."""
    name = store_of().roll_back(wall_ns())
    sys.stdout.write(f"{name} counts again\n" if name else "no model counts: rules alone\n")
    return 0
