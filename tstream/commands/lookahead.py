"""tstream lookahead: whether a strategy knows what it can't know."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import msgspec
from rich.console import Console
from rich.progress import Progress

from engine.lab.backtest import run_backtest
from engine.lab.lookahead import LookAhead, listen, look_for_lookahead
from engine.ports import PastMarket
from engine.strategies.protocol import Said
from tstream.clock import utc
from tstream.lab.asked import LabRequest, Params
from tstream.lab.past import open_past, with_contract
from tstream.lab.trial import bots_of, changed_settings, instrument_of, require_bars, settings_of, terms_of

_SHOWN = 10


def lookahead(asked: LabRequest, params: Params, *, cuts: int, seed: int, as_json: bool) -> int:
    """Play the past with other futures; gives the exit code, 1 where one of them changed what was said."""
    asked = with_contract(asked)
    settings = settings_of(asked)
    past = open_past(asked, instrument_of(asked, settings))
    changed = changed_settings(settings, params)
    terms = terms_of(changed, asked, bars=past.bars)
    require_bars(past, bots_of(changed, asked, params), asked)

    def play(market: PastMarket, until: int | None, heard: list[Said], closes: list[int] | None) -> None:
        bots = listen(bots_of(changed, asked, params), heard, closes)
        run_backtest(market, bots, terms, past.end_ts if until is None else min(until, past.end_ts))

    with _progress() as moved:
        found = look_for_lookahead(past.market, play, Random(seed), cuts, moved)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found)) + b"\n")
    else:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for line in lines(found, asked.strategy):
            console.print(line)
    return 1 if found.changes else 0


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where that is a terminal; gives what to call with how many of how many are done."""
    notes = Console(stderr=True)
    with Progress(console=notes, transient=True, disable=not notes.is_terminal) as shown:
        task = shown.add_task("other futures")
        yield lambda done, total: shown.update(task, completed=done, total=total)


def lines(found: LookAhead, strategy: str) -> Iterator[str]:
    """The verdict, and what changed."""
    looked = f"{found.said:,} signals; {found.cuts} closes with another future, at {found.at_signals} of them"
    yield f"{looked} something was said"
    if not found.changes:
        if found.said:
            yield f"{strategy} does not look ahead: no other future, ended or mirrored, changed what was said"
        else:
            yield f"{strategy} said nothing at all: that proves little"
        return
    yield f"{strategy} LOOKS AHEAD: another future changed what it had said before"
    for change in found.changes[:_SHOWN]:
        future = "a mirrored future" if change.mirrored else "no future"
        yield f"  {utc(change.cut_ts):%Y-%m-%d %H:%M} UTC, with {future} after it:"
        for word, said in (("gone", change.vanished), ("new", change.appeared)):
            if said:
                yield f"    {word}: {_brief(said[0])}" + (f" and {len(said) - 1} more" if said[1:] else "")
    if len(found.changes) > _SHOWN:
        yield f"  and {len(found.changes) - _SHOWN} more; --json has all"


def _brief(said: Said) -> str:
    kind = type(said).__name__.lower()
    return f"{kind} {said.side} {said.instrument} of {utc(said.ts):%Y-%m-%d %H:%M} UTC"
