"""Market events on their way to the market hub and into the public record."""

from __future__ import annotations

from collections.abc import Iterable

from adapters.simulator.market.ticker import DEPTH, QUOTES, TRADES, Ticker
from adapters.simulator.wire.hubs import Hub, Topic
from adapters.simulator.wire.signalr import Connection
from engine.model.events import Print, Quote


class Publisher:
    """Writes each event for those who subscribe to it. Prints of one instant share a message."""

    def __init__(self, tickers: Iterable[Ticker]) -> None:
        self.tickers: dict[str, Ticker] = {}
        """By book."""
        self._by_id: dict[str, Ticker] = {}
        self._topics: dict[str, dict[str, Topic]] = {}
        self._prints: list[Print] = []
        for ticker in tickers:
            self.add(ticker)

    def add(self, ticker: Ticker) -> None:
        """Write a contract's events too."""
        contract = ticker.contract
        self.tickers[contract.book] = self._by_id[contract.id] = ticker
        self._topics[contract.book] = {target: (target, contract.id) for target in (QUOTES, TRADES, DEPTH)}

    def on_quote(self, quote: Quote, hub: Hub, now: int) -> None:
        if self._prints:
            self.flush(hub, now)
        ticker = self.tickers[quote.instrument]
        ticker.on_quote(quote)
        topics = self._topics[quote.instrument]
        if hub.wanted(topics[QUOTES]):
            hub.publish(topics[QUOTES], ticker.changed_quote(now))
        if hub.wanted(topics[DEPTH]):
            hub.publish(topics[DEPTH], ticker.depth_of_quote(now))

    def on_print(self, trade: Print, hub: Hub, now: int) -> None:
        prints = self._prints
        if prints and (prints[0].instrument != trade.instrument or prints[0].ts_venue != trade.ts_venue):
            self.flush(hub, now)
        self.tickers[trade.instrument].on_print(trade)
        self._prints.append(trade)

    def flush(self, hub: Hub, now: int) -> None:
        """Send the prints that still wait for company."""
        if not self._prints:
            return
        prints, self._prints = self._prints, []
        symbol = prints[0].instrument
        ticker, topics = self.tickers[symbol], self._topics[symbol]
        if hub.wanted(topics[TRADES]):
            hub.publish(topics[TRADES], ticker.trades(prints))
        if hub.wanted(topics[DEPTH]):
            hub.publish(topics[DEPTH], ticker.depth_of_trades(prints, now))

    def greet(self, connection: Connection, topic: Topic, now: int) -> None:
        """What a new subscriber gets at once: a full quote, or the session's depth."""
        target, contract_id = topic
        ticker = self._by_id.get(contract_id) if isinstance(contract_id, str) else None
        if ticker is None:
            return
        if target == QUOTES and ticker.figures.last is not None:
            connection.send(ticker.full_quote(now))
        elif target == DEPTH:
            connection.send(ticker.depth_snapshot())
