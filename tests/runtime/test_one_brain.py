"""What an engine has taken in over sockets makes another core decide the very same."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from adapters.store.journal import SqliteJournal
from engine.core import Core
from engine.model import records as r
from engine.model.commands import Flatten
from engine.model.plans import Idea
from tests.support.engine_over_sockets import LONG, PRICE, Run, ToldStrategy, venue_side
from tests.support.waits import until

SYMBOLS = ("MNQ", "MES")
IDEAS = tuple(replace(LONG, instrument=symbol) for symbol in SYMBOLS)


def decided(run: Run, ideas: tuple[Idea, ...]) -> list[bytes]:
    """What a new core writes when it hears the same again."""
    core = Core(run.core.config, ToldStrategy(*ideas))
    written = [r.encode(record) for record in core.start(run.core.started_ts)[0]]
    for event in run.events:
        written += [r.encode(record) for record in core.step(event)[0]]
    return written


async def test_several_contracts_and_books_over_sockets_are_replayed_to_the_byte(tmp_path: Path) -> None:
    async with venue_side(tmp_path, symbols=SYMBOLS, accounts=2) as f, f.engine(*IDEAS) as run:
        await run.minute()

        def held() -> list[int]:
            books = [run.core.state.book(name) for name in f.books]
            return [book.position(symbol).qty for book in books for symbol in SYMBOLS]

        await until(lambda: all(held()), 10)
        f.market(PRICE + 95)
        await until(lambda: all(0 < qty < 5 for qty in held()), 10)  # a target of each is filled
        run.engine.ask(Flatten(id="f"))
        await until(lambda: not any(held()), 10)
    async with await SqliteJournal.open(f.journal) as kept:
        journal = [raw async for _, raw in kept.read()]
    assert len(journal) > 50
    assert decided(run, IDEAS) == journal
