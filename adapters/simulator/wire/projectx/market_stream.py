"""Market records on their way to the market hub: quotes, trades and depth of each contract, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.simulator.market.depth import book
from adapters.simulator.market.ticker import Ticker
from adapters.simulator.wire.projectx.hubs import DEPTH, QUOTES, TRADES, HubServer, Topic
from adapters.simulator.wire.projectx.json_rows import EPOCH_OF_NOTHING, number, stream_stamp
from adapters.simulator.wire.projectx.signalr import Connection
from engine.model.events import Print, Quote
from engine.model.market import Side
from engine.ports import Clock

_ASK, _BID, _BEST_ASK, _BEST_BID, _TRADE, _RESET, _LOW, _HIGH = 1, 2, 3, 4, 5, 6, 7, 8
"""Row types of the depth stream."""


class MarketRecords:
    """Writes every record about one contract.

    A quote record names only the groups that changed since the one before; whoever subscribes gets a full
    one first. Records are whole SignalR invocations without their separator.
    """

    def __init__(self, ticker: Ticker) -> None:
        self.ticker = ticker
        self._contract = contract = ticker.contract
        self._texts: dict[int, str] = {}
        self._sent_touch: tuple[int | None, int | None] = (None, None)
        self._sent_last: tuple[int | None, int] = (None, 0)
        self._sent_day: tuple[int | None, int | None, int | None] = (None, None, None)
        self._head = {
            target: f'{{"type":1,"target":"{target}","arguments":["{contract.id}",'
            for target in (QUOTES, TRADES, DEPTH)
        }
        self._shown: dict[tuple[int, int], int] = {}
        """The book as subscribers have it: sizes by row type and price."""
        self._symbol = f'{{"symbol":"{contract.symbol_id}"'

    # -- quotes ------------------------------------------------------------------------------------

    def full_quote(self, now: int) -> str:
        """All that is known, for a new subscriber."""
        name = f',"symbolName":"/{self._contract.symbol}"'
        return self._quote(
            now, name + self._last() + self._touch() + self._change() + self._day() + self._volume()
        )

    def changed_quote(self, now: int) -> str:
        """What changed since the record before; the touch alone if only sizes did."""
        figures = self.ticker.figures
        last, touch = (figures.last, figures.volume), (self.ticker.bid, self.ticker.ask)
        if last == self._sent_last:
            self._sent_touch = touch
            return self._quote(now, self._touch())
        text = self._last()
        if touch != self._sent_touch:
            text += self._touch()
        text += self._change()
        day = (figures.open, figures.high, figures.low)
        if day != self._sent_day:
            text += self._day()
        self._sent_last, self._sent_touch, self._sent_day = last, touch, day
        return self._quote(now, text + self._volume())

    def _quote(self, now: int, groups: str) -> str:
        stamps = f',"lastUpdated":"{stream_stamp(now)}","timestamp":"{stream_stamp(self.ticker.ts)}"'
        return f'{self._head[QUOTES]}{self._symbol}{groups}{stamps},"contract":"{self._contract.id}"}}]}}'

    def _last(self) -> str:
        return self._field("lastPrice", self.ticker.figures.last)

    def _touch(self) -> str:
        return self._field("bestBid", self.ticker.bid) + self._field("bestAsk", self.ticker.ask)

    def _change(self) -> str:
        change, settle = self.ticker.figures.change, self.ticker.figures.settle
        if change is None or not settle:
            return ""
        return f'{self._field("change", change)},"changePercent":{round(change / settle, 4)}'

    def _day(self) -> str:
        figures = self.ticker.figures
        return (
            self._field("open", figures.open)
            + self._field("high", figures.high)
            + self._field("low", figures.low)
        )

    def _volume(self) -> str:
        return f',"volume":{self.ticker.figures.volume}' if self.ticker.figures.volume else ""

    # -- trades and depth --------------------------------------------------------------------------

    def trades(self, prints: Sequence[Print]) -> str:
        """One message for the prints of one instant."""
        stamp = stream_stamp(prints[0].ts_venue)
        head, tail = (
            f'{{"symbolId":"{self._contract.symbol_id}","price":',
            f'"contractId":"{self._contract.id}"}}',
        )
        rows = ",".join(
            f'{head}{self._text(p.price)},"timestamp":"{stamp}",'
            f'"type":{1 if p.aggressor is Side.SELL else 0},"volume":{p.size},{tail}'
            for p in prints
        )
        return f"{self._head[TRADES]}[{rows}]]}}"

    def depth_of_trades(self, prints: Sequence[Print], now: int) -> str:
        """Volume at the traded prices so far, with each print's own size."""
        profile = self.ticker.figures.profile()
        stamp = stream_stamp(now)
        return self._depth(_row(stamp, _TRADE, self._text(p.price), profile[p.price], p.size) for p in prints)

    def depth_of_quote(self, now: int) -> str:
        """The best prices with their sizes, and the levels that have changed. The market source knows no
        sizes: they are made up, from price and time.
        """
        stamp = stream_stamp(now)
        before, self._shown = self._shown, self._book()
        rows = [
            _row(stamp, kind, self._text(price), 0, 0) for kind, price in before.keys() - self._shown.keys()
        ]
        rows += [
            _row(stamp, kind, self._text(price), size, 0)
            for (kind, price), size in self._shown.items()
            if before.get((kind, price)) != size
        ]
        return self._depth([*self._best(stamp), *rows])

    def _book(self) -> dict[tuple[int, int], int]:
        bids, asks = book(self.ticker.bid, self.ticker.ask, self.ticker.ts)
        return {(_BID, one.price): one.size for one in bids} | {(_ASK, one.price): one.size for one in asks}

    def _best(self, stamp: str) -> list[str]:
        ticker, shown = self.ticker, self._shown
        return [
            _row(stamp, best, self._text(price), shown.get((kind, price), 1), 0)
            for best, kind, price in ((_BEST_ASK, _ASK, ticker.ask), (_BEST_BID, _BID, ticker.bid))
            if price is not None
        ]

    def depth_reset(self, now: int) -> str:
        """Everything is cleared, and told anew."""
        stamp = stream_stamp(now)
        self._shown = self._book()
        rows = [_row(stamp, _RESET, "0", 0, 0), *self._levels(stamp), *self._best(stamp)]
        return self._depth(rows)

    def nobody_looks(self) -> None:
        """What subscribers have is of no account: there are none."""
        self._shown = {}

    def _levels(self, stamp: str) -> list[str]:
        return [_row(stamp, kind, self._text(price), size, 0) for (kind, price), size in self._shown.items()]

    def depth_snapshot(self) -> str:
        """Volume at every price of the session, then the book, touch, high, low and last, stamped in year
        1.
        """
        self._shown = self._shown or self._book()
        figures, at = self.ticker.figures, EPOCH_OF_NOTHING
        profile = figures.profile()
        rows = [_row(at, _TRADE, self._text(price), profile[price], 0) for price in sorted(profile)]
        rows += [*self._levels(at), *self._best(at)]
        for kind, ticks, volume in (
            (_HIGH, figures.high, 0),
            (_LOW, figures.low, 0),
            (_TRADE, figures.last, 0 if figures.last is None else profile[figures.last]),
        ):
            if ticks is not None:
                rows.append(_row(at, kind, self._text(ticks), volume, 0))
        return self._depth(rows)

    def _depth(self, rows: Iterable[str]) -> str:
        return f"{self._head[DEPTH]}[{','.join(rows)}]]}}"

    # -- numbers -----------------------------------------------------------------------------------

    def _field(self, name: str, ticks: int | None) -> str:
        return "" if ticks is None else f',"{name}":{self._text(ticks)}'

    def _text(self, ticks: int) -> str:
        text = self._texts.get(ticks)
        if text is None:
            text = self._texts[ticks] = repr(number(self._contract.instrument.price(ticks)))
        return text


def _row(stamp: str, kind: int, price: str, volume: int, current: int) -> str:
    return (
        f'{{"timestamp":"{stamp}","type":{kind},"price":{price},"volume":{volume},"currentVolume":{current}}}'
    )


class MarketPublisher:
    """Sends what happens in the market to those who subscribe to it (the exchange's MarketListener).

    Prints of one instant share a message.
    """

    def __init__(self, hub: HubServer, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._records: dict[str, MarketRecords] = {}
        """By venue symbol, as the topics."""
        self._topics: dict[str, dict[str, Topic]] = {}
        self._by_contract: dict[str | int | None, MarketRecords] = {}
        self._prints: list[Print] = []

    def add(self, ticker: Ticker) -> None:
        contract = ticker.contract
        records = MarketRecords(ticker)
        self._records[contract.venue_symbol] = self._by_contract[contract.id] = records
        self._topics[contract.venue_symbol] = {
            target: (target, contract.id) for target in (QUOTES, TRADES, DEPTH)
        }

    def on_quote(self, quote: Quote, now: int) -> None:
        if self._prints:
            self.flush(now)
        hub, records, topics = self._hub, self._records[quote.instrument], self._topics[quote.instrument]
        if hub.has_subscribers(topics[QUOTES]):
            hub.publish(topics[QUOTES], records.changed_quote(now))
        if hub.has_subscribers(topics[DEPTH]):
            hub.publish(topics[DEPTH], records.depth_of_quote(now))
        else:
            records.nobody_looks()

    def on_print(self, trade: Print, now: int) -> None:
        prints = self._prints
        if prints and (prints[0].instrument != trade.instrument or prints[0].ts_venue != trade.ts_venue):
            self.flush(now)
        self._prints.append(trade)

    def flush(self, now: int) -> None:
        """Send the prints that still wait for company."""
        if not self._prints:
            return
        prints, self._prints = self._prints, []
        symbol = prints[0].instrument
        hub, records, topics = self._hub, self._records[symbol], self._topics[symbol]
        if hub.has_subscribers(topics[TRADES]):
            hub.publish(topics[TRADES], records.trades(prints))
        if hub.has_subscribers(topics[DEPTH]):
            hub.publish(topics[DEPTH], records.depth_of_trades(prints, now))

    def reset_depth(self) -> None:
        """Clear the book of every contract for those who have it, and tell it anew."""
        now = self._clock()
        for symbol, records in self._records.items():
            topic = self._topics[symbol][DEPTH]
            if self._hub.has_subscribers(topic):
                self._hub.publish(topic, records.depth_reset(now))

    def welcome(self, connection: Connection, topic: Topic) -> None:
        """Send a new subscriber what it gets at once: a full quote, or the session's depth."""
        target, contract_id = topic
        records = self._by_contract.get(contract_id)
        if records is None:
            return
        if target == QUOTES and records.ticker.figures.last is not None:
            connection.send(records.full_quote(self._clock()))
        elif target == DEPTH:
            connection.send(records.depth_snapshot())
