"""tstream data list, check and remove."""

from __future__ import annotations

import sys

import msgspec

from adapters.datasets.duck import DatasetError
from adapters.datasets.library import Library
from engine.model.datasets import Dataset
from tstream import paths
from tstream.commands.data.keeping import card, of
from tstream.commands.data.report import days, show
from tstream.errors import CommandError, UsageError


def list_datasets(as_json: bool) -> int:
    """One line a dataset; the exit code."""
    library = Library(paths.find().datasets)
    found, broken = [], []
    for name in library.names():
        try:
            found.append(library.find(name))
        except DatasetError as error:
            broken.append(str(error))
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    elif not found and not broken:
        sys.stdout.write("there is no dataset yet: tstream data import FILE makes one\n")
    else:
        _table(found)
    for line in broken:
        sys.stderr.write(f"tstream: {line}\n")
    return 1 if broken else 0


def _table(found: list[Dataset]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(caption="times are UTC", title_justify="left")
    for name in ("name", "of", "bars"):
        table.add_column(name, justify="right" if name == "bars" else "left")
    for name in ("days", "dropped", "look at"):
        table.add_column(name, justify="right" if name == "dropped" else "left")
    for one in found:
        grave = ", ".join(finding.flaw for finding in one.quality.findings if finding.grave)
        what = f"{one.instrument.symbol} {one.timeframe}"
        table.add_row(one.name, what, f"{one.rows:,}", days(one), f"{one.quality.dropped:,}", grave or "-")
    Console().print(table)


def check(name: str, as_json: bool) -> int:
    """The report of a dataset, made anew from its bars; the exit code."""
    library = Library(paths.find().datasets)
    dataset = library.find(name)
    batch = of(library, dataset)
    if len(batch.bars) != dataset.rows:
        raise CommandError(
            f"dataset {name}: holds {len(batch.bars):,} bars, and its card says {dataset.rows:,}: import it "
            "again"
        )
    fresh = card(name, dataset.instrument, batch)
    show(fresh, as_json=as_json)
    return 1 if fresh.quality.grave else 0


def remove(name: str, yes: bool) -> int:
    """Delete a dataset, once that is confirmed; the exit code."""
    library = Library(paths.find().datasets)
    dataset = library.find(name) if library.has(name) else None
    if not yes and dataset is not None:
        if not sys.stdin.isatty():
            raise UsageError(f"to remove {name} without being asked, give --yes")
        sys.stdout.write(f"remove {name}, {dataset.rows:,} bars? [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was removed")
    library.remove(name)
    sys.stdout.write(f"removed {name}\n")
    return 0
