"""tstream backtest: play the past, and show what came of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from engine.model.market import NANOS
from tstream.errors import UsageError
from tstream.lab.asked import LabRequest, Params
from tstream.lab.past import RecordedPast, open_past
from tstream.lab.show import as_csv, as_page, show
from tstream.lab.show import as_json as json_of
from tstream.lab.trial import instrument_of, run_trial, settings_of
from tstream.output import Output


def backtest(asked: LabRequest, params: Params, *, as_json: bool, csv: Path | None, html: Path | None) -> int:
    """Play it once; gives the exit code."""
    settings = settings_of(asked)
    past = open_past(asked, instrument_of(asked, settings))
    with _progress(past) as moved:
        result = run_trial(past, asked, settings, params, moved, compared=True)
    if csv is not None:
        write(csv, as_csv(result, past.instrument))
    if html is not None:
        write(html, as_page(result, past, asked, params))
    if as_json:
        sys.stdout.write(json_of(result, past, asked, params) + "\n")
    elif "-" not in (str(csv), str(html)):
        show(result, past, asked, params)
    return 0


def write(file: Path, text: str) -> None:
    """To a file, or stdout where it is called -. Raises UsageError."""
    if str(file) == "-":
        sys.stdout.write(text)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"can't write {file}: {error.strerror}") from None


@contextmanager
def _progress(past: RecordedPast) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr where that is a terminal; gives what to call with the time that is played."""
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty():
        yield None
        return
    start = past.market.start_ts
    with Output(sys.stderr) as out, Progress(console=Console(file=cast("Any", out)), transient=True) as bar:
        task = bar.add_task("playing", total=(past.end_ts - start) / NANOS)
        yield lambda now: bar.update(task, completed=(now - start) / NANOS)
