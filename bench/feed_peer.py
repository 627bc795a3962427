"""The recorded v1 session through cryptofeed, run by whatever Python has it:
`python bench/feed_peer.py SESSION PRODUCTS TURNS`. Writes JSON: messages a second of CPU time.
"""

# mypy: ignore-errors

import asyncio
import json
import sys
import time


def main(session, products, turns):
    from cryptofeed.defines import L2_BOOK, TICKER, TRADES
    from cryptofeed.exchanges import KrakenFutures
    from cryptofeed.symbols import Symbols

    with open(session, "rb") as file:
        lines = [line.decode() for line in file.read().split(b"\n")]
    with open(products, encoding="utf-8") as file:
        names, info = KrakenFutures._parse_symbol_data(json.load(file))
    Symbols.set(KrakenFutures.id, names, info)

    async def heard(told, stamp):
        return None

    channels = (L2_BOOK, TRADES, TICKER)

    async def once():
        feed = KrakenFutures(
            symbols=list(names), channels=list(channels), callbacks=dict.fromkeys(channels, heard)
        )
        feed._KrakenFutures__reset()
        began = time.process_time()
        for line in lines:
            await feed.message_handler(line, None, 0.0)
        return (time.process_time() - began) / len(lines)

    best = min(asyncio.run(once()) for _ in range(turns))
    json.dump({"rate": 1 / best}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
