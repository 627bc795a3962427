"""A recorded session through cryptofeed, run by whatever Python has it:
`python bench/feed_peer.py kraken|binance FOLDER TURNS`. FOLDER has what was received (`session`), the answer
that lists the products (`products`), which of them are meant (`wanted`) and, of Binance, the snapshots of
books (`books`): a symbol and its answer a line.

Writes JSON: messages a second of CPU time, the best of the turns.
"""

# mypy: ignore-errors

import asyncio
import json
import sys
import time
from pathlib import Path


def of_kraken(folder, channels, callbacks):
    from cryptofeed.exchanges import KrakenFutures

    feed = made(KrakenFutures, folder, channels, callbacks)
    return feed, feed._KrakenFutures__reset


def of_binance(folder, channels, callbacks):
    from cryptofeed.exchanges import Binance

    feed = made(Binance, folder, channels, callbacks)
    answers = dict(line.split(" ", 1) for line in (folder / "books").read_text().splitlines())

    class Answers:
        async def read(self, address):
            return answers[address.partition("symbol=")[2].partition("&")[0]]

    feed.http_conn = Answers()
    for name in answers:
        asyncio.run(feed._snapshot(name))
    begun = dict(feed.last_update_id)

    def again():
        feed.last_update_id = dict(begun)

    return feed, again


def made(kind, folder, channels, callbacks):
    from cryptofeed.symbols import Symbols

    names, info = kind._parse_symbol_data(json.loads((folder / "products").read_text(encoding="utf-8")))
    wanted = (folder / "wanted").read_text(encoding="utf-8").split()
    Symbols.set(kind.id, names, info)
    symbols = [name for name, root in names.items() if not wanted or root in wanted]
    return kind(symbols=symbols, channels=channels, callbacks=callbacks)


def main(venue, folder, turns):
    from cryptofeed.defines import CANDLES, L2_BOOK, TICKER, TRADES

    lines = [line.decode() for line in (folder / "session").read_bytes().split(b"\n")]
    channels = [L2_BOOK, TRADES, TICKER, *([CANDLES] if venue == "binance" else [])]

    async def heard(told, stamp):
        return None

    feed, again = {"kraken": of_kraken, "binance": of_binance}[venue](
        folder, channels, dict.fromkeys(channels, heard)
    )

    async def once():
        again()
        began = time.process_time()
        for line in lines:
            await feed.message_handler(line, None, 0.0)
        return (time.process_time() - began) / len(lines)

    best = min(asyncio.run(once()) for _ in range(turns))
    json.dump({"rate": 1 / best}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
