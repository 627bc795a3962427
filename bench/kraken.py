"""How quickly the recorded session of Kraken Futures is read: bytes to typed messages, then to books, quotes
and prints; beside cryptofeed, where `TSTREAM_PEERS` names a Python that has it (pip install cryptofeed).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from adapters.common.typed_json import UNREADABLE
from adapters.kraken import mapping
from adapters.kraken.mapping import ProductGrid
from adapters.kraken.order_book import SequencedBook
from adapters.kraken.v1_wire import V1BookDelta, V1BookSnapshot, V1Trade, read_v1, read_v1_event
from bench.figures import ratio, table
from tests.kraken import captures

TURNS = 7
PYTHON = os.environ.get("TSTREAM_PEERS", sys.executable)
WANTED = 50_000
"""Messages a second on one core."""


def typed(lines: tuple[bytes, ...]) -> int:
    """Every message as what it is; gives how many."""
    for line in lines:
        try:
            read_v1(line)
        except UNREADABLE:
            read_v1_event(line)
    return len(lines)


def to_values(lines: tuple[bytes, ...]) -> int:
    """The same, with every book kept, its sequence checked, its top known, and every trade a print."""
    grids = {symbol: ProductGrid(one) for symbol, one in captures.products().items()}
    books = {symbol: SequencedBook(grid) for symbol, grid in grids.items()}
    for line in lines:
        try:
            message = read_v1(line)
        except UNREADABLE:
            read_v1_event(line)
            continue
        if isinstance(message, V1BookDelta):
            books[message.product_id].delta(message)
        elif isinstance(message, V1BookSnapshot):
            books[message.product_id].snapshot(message)
        elif isinstance(message, V1Trade):
            mapping.v1_print(message, grids[message.product_id], 1, "kraken")
    return len(lines)


def plain(lines: tuple[bytes, ...]) -> int:
    for line in lines:
        json.loads(line)
    return len(lines)


def rate(work: Callable[[tuple[bytes, ...]], int], lines: tuple[bytes, ...]) -> float:
    """Messages a second of CPU time, the best of some turns: what a busy machine adds is not ours."""
    best = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        count = work(lines)
        best = min(best, (time.process_time() - began) / count)
    return 1 / best


def of_peer(
    venue: str, lines: Sequence[bytes], products: bytes, turns: int, *, wanted: str = "", books: bytes = b""
) -> float | str:
    """Messages a second of cryptofeed's own handler, or why it is left out; `wanted` are the products, empty
    for all, `books` as bench/feed_peer.py has them.
    """
    script = Path(__file__).with_name("feed_peer.py")
    with tempfile.TemporaryDirectory() as folder:
        session = b"\n".join(lines)
        told = {"session": session, "products": products, "wanted": wanted.encode(), "books": books}
        for name, content in told.items():
            (Path(folder) / name).write_bytes(content)
        done = subprocess.run(
            [PYTHON, str(script), venue, folder, str(turns)],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["without a word"])[-1][:120]
    return float(json.loads(done.stdout)["rate"])


def run() -> None:
    """Measure and print. Raises SystemExit where it is too slow."""
    if not captures.FOLDER.is_dir():
        print(f"\nkraken: LEFT OUT: the recorded session is not at {captures.FOLDER}")
        return
    lines = captures.received()
    loads = rate(plain, lines)
    found = [
        ("bytes to typed messages", rate(typed, lines)),
        ("bytes to books, tops and prints", rate(to_values, lines)),
        ("json.loads of the same bytes", loads),
    ]
    peer = of_peer("kraken", lines, captures.instruments_answer(), TURNS)
    if not isinstance(peer, str):
        found.append(("cryptofeed's handler: books, trades, tickers", peer))
    table(
        f"kraken: a recorded v1 session of {len(lines):,} messages, CPU time, best of {TURNS}",
        ("", "messages/s", "a message", "to json.loads"),
        [(name, f"{one:,.0f}", f"{1e6 / one:.1f} µs", ratio(one, loads)) for name, one in found],
    )
    if isinstance(peer, str):
        print(f"\nkraken: LEFT OUT: cryptofeed: {peer}; TSTREAM_PEERS=PYTHON names one that has it")
    if found[0][1] < WANTED:
        raise SystemExit(f"kraken: {found[0][1]:,.0f} messages a second, {WANTED:,} are wanted")
