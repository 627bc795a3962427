"""One contract on the market hub: its quote, and its records as JSON
(docs/protocols/projectx.md#market-events).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.simulator.exchange.contracts import Contract
from adapters.simulator.market.candles import Candles
from adapters.simulator.market.day_figures import Figures
from adapters.simulator.wire.rows import EPOCH_OF_NOTHING, number, stream_stamp
from engine.model.events import Print, Quote
from engine.model.market import Side

QUOTES, TRADES, DEPTH = "GatewayQuote", "GatewayTrade", "GatewayDepth"
_BEST_ASK, _BEST_BID, _TRADE, _LOW, _HIGH = 3, 4, 5, 7, 8
"""Row types of the depth stream."""


class Ticker:
    """Writes every record about one contract. Prices are kept in ticks.

    A quote record names only the groups that changed since the one before; whoever subscribes gets a full
    one first. Records are whole SignalR invocations without their separator.
    """

    def __init__(self, contract: Contract, candles: Candles, now: int) -> None:
        self.contract = contract
        self.candles = candles
        self.figures = Figures(candles, now)
        self.bid: int | None = None
        self.ask: int | None = None
        self.ts = now
        """Feed time of the newest event."""
        self._texts: dict[int, str] = {}
        self._sent_touch: tuple[int | None, int | None] = (None, None)
        self._sent_last: tuple[int | None, int] = (None, 0)
        self._sent_day: tuple[int | None, int | None, int | None] = (None, None, None)
        self._head = {
            target: f'{{"type":1,"target":"{target}","arguments":["{contract.id}",'
            for target in (QUOTES, TRADES, DEPTH)
        }
        self._symbol = f'{{"symbol":"{contract.symbol_id}"'

    # -- the market --------------------------------------------------------------------------------

    def on_quote(self, quote: Quote) -> None:
        self.bid, self.ask, self.ts = quote.bid, quote.ask, quote.ts_venue
        if self.figures.last is None:
            self.figures.last = quote.last

    def on_print(self, trade: Print) -> None:
        self.ts = trade.ts_venue
        self.figures.on_print(trade.ts_venue, trade.price, trade.size)
        self.candles.on_print(trade.ts_venue, trade.price, trade.size)

    # -- quotes ------------------------------------------------------------------------------------

    def full_quote(self, now: int) -> str:
        """All that is known, for a new subscriber."""
        name = f',"symbolName":"/{self.contract.symbol}"'
        return self._quote(
            now, name + self._last() + self._touch() + self._change() + self._day() + self._volume()
        )

    def changed_quote(self, now: int) -> str:
        """What changed since the record before; the touch alone if only sizes did."""
        figures = self.figures
        last, touch = (figures.last, figures.volume), (self.bid, self.ask)
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
        stamps = f',"lastUpdated":"{stream_stamp(now)}","timestamp":"{stream_stamp(self.ts)}"'
        return f'{self._head[QUOTES]}{self._symbol}{groups}{stamps},"contract":"{self.contract.id}"}}]}}'

    def _last(self) -> str:
        return self._field("lastPrice", self.figures.last)

    def _touch(self) -> str:
        return self._field("bestBid", self.bid) + self._field("bestAsk", self.ask)

    def _change(self) -> str:
        change, settle = self.figures.change, self.figures.settle
        if change is None or not settle:
            return ""
        return f'{self._field("change", change)},"changePercent":{round(change / settle, 4)}'

    def _day(self) -> str:
        figures = self.figures
        return (
            self._field("open", figures.open)
            + self._field("high", figures.high)
            + self._field("low", figures.low)
        )

    def _volume(self) -> str:
        return f',"volume":{self.figures.volume}' if self.figures.volume else ""

    # -- trades and depth --------------------------------------------------------------------------

    def trades(self, prints: Sequence[Print]) -> str:
        """One message for the prints of one instant."""
        stamp = stream_stamp(prints[0].ts_venue)
        head, tail = (
            f'{{"symbolId":"{self.contract.symbol_id}","price":',
            f'"contractId":"{self.contract.id}"}}',
        )
        rows = ",".join(
            f'{head}{self._text(p.price)},"timestamp":"{stamp}",'
            f'"type":{1 if p.aggressor is Side.SELL else 0},"volume":{p.size},{tail}'
            for p in prints
        )
        return f"{self._head[TRADES]}[{rows}]]}}"

    def depth_of_trades(self, prints: Sequence[Print], now: int) -> str:
        """Volume at the traded prices so far, with each print's own size."""
        profile = self.figures.profile()
        stamp = stream_stamp(now)
        return self._depth(_row(stamp, _TRADE, self._text(p.price), profile[p.price], p.size) for p in prints)

    def depth_of_quote(self, now: int) -> str:
        """Resting size at the touch. The market source knows none: it is made up, from price and time."""
        stamp = stream_stamp(now)
        rows = []
        for kind, ticks in ((_BEST_BID, self.bid), (_BEST_ASK, self.ask)):
            if ticks is not None:
                size = 1 + (ticks * 7 + self.ts // 1_000_000) % 23
                rows.append(_row(stamp, kind, self._text(ticks), size, 0))
        return self._depth(rows)

    def depth_snapshot(self) -> str:
        """Volume at every price of the session, then touch, high, low and last, stamped in year 1."""
        figures, at = self.figures, EPOCH_OF_NOTHING
        profile = figures.profile()
        rows = [_row(at, _TRADE, self._text(price), profile[price], 0) for price in sorted(profile)]
        for kind, ticks, volume in (
            (_BEST_ASK, self.ask, 1),
            (_BEST_BID, self.bid, 1),
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
            text = self._texts[ticks] = repr(number(self.contract.instrument.price(ticks)))
        return text


def _row(stamp: str, kind: int, price: str, volume: int, current: int) -> str:
    return (
        f'{{"timestamp":"{stamp}","type":{kind},"price":{price},"volume":{volume},"currentVolume":{current}}}'
    )
