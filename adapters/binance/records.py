"""Records of the market streams and of the account's events, decoded typed.

Keys differ by case alone in meaning ("m" and "M", "b" and "B"): they are read as they are written.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from adapters.binance.wire import NULL, Amount, Id, Ms, Name, Text, WireFault
from adapters.common.typed_json import UNREADABLE, unread

Level = tuple[Amount, Amount]
"""Price and quantity; a quantity of 0 removes the level."""


class AggTradeRow(Struct, gc=False):
    """Trades of one taker's order at one price. `m`: the buyer was the maker, so the taker sold."""

    E: Ms
    s: Name
    a: Id
    p: Amount
    q: Amount
    f: Id
    l: Id  # noqa: E741  the wire's own name
    T: Ms
    m: bool


class TradeStreamRow(Struct, gc=False):
    E: Ms
    s: Name
    t: Id
    p: Amount
    q: Amount
    T: Ms
    m: bool


class BookTickerRow(Struct, gc=False):
    """Best bid and ask. Of spot it has no time, and no "e"."""

    u: Id
    s: Name
    b: Amount
    B: Amount
    a: Amount
    A: Amount
    E: Ms = 0


class DepthRow(Struct):
    """Levels that changed. Of futures `pu` is the `u` of the record before."""

    E: Ms
    s: Name
    U: Id
    u: Id
    b: list[Level]
    a: list[Level]
    pu: Id = -1


class KlineBody(Struct, gc=False):
    t: Ms
    T: Ms
    i: Name
    o: Amount
    c: Amount
    h: Amount
    l: Amount  # noqa: E741
    v: Amount
    n: int
    x: bool


class KlineStreamRow(Struct, gc=False):
    E: Ms
    s: Name
    k: KlineBody


class AggTradeRecord(Struct, gc=False):
    data: AggTradeRow


class TradeRecord(Struct, gc=False):
    data: TradeStreamRow


class BookTickerRecord(Struct, gc=False):
    data: BookTickerRow


class DepthRecord(Struct):
    data: DepthRow


class KlineRecord(Struct, gc=False):
    data: KlineStreamRow


class OtherRecord(Struct):
    """Whatever else comes: answers to what we asked, and the word that the server ends."""

    stream: Text = ""
    data: Raw = NULL
    id: int | str | None = None
    result: Raw = NULL
    code: int | None = None
    msg: Text = ""
    e: Name = ""


MarketRow = AggTradeRow | TradeStreamRow | BookTickerRow | DepthRow | KlineStreamRow

_KINDS: dict[bytes, msgspec.json.Decoder[Any]] = {
    b"aggT": msgspec.json.Decoder(AggTradeRecord),
    b"trad": msgspec.json.Decoder(TradeRecord),
    b"book": msgspec.json.Decoder(BookTickerRecord),
    b"dept": msgspec.json.Decoder(DepthRecord),
    b"klin": msgspec.json.Decoder(KlineRecord),
}
_other = msgspec.json.Decoder(OtherRecord)
_START = b'{"stream":"'


def market_row(frame: bytes) -> MarketRow | OtherRecord:
    """A frame of the combined stream. Which kind it is stands in the stream's name, at its beginning.

    Raises WireFault.
    """
    at = frame.find(b"@", 11, 60)
    decoder = _KINDS.get(frame[at + 1 : at + 5]) if at > 0 and frame.startswith(_START) else None
    try:
        if decoder is not None:
            row: MarketRow = decoder.decode(frame).data
            return row
        return _other.decode(frame)
    except UNREADABLE as error:
        raise WireFault(unread(error)) from None


class StreamEvent(Struct, tag_field="e", gc=False):
    """An event of the account. `E` is when it was sent."""

    E: Ms


class ExecutionReport(StreamEvent, tag="executionReport", gc=False):
    s: Name
    c: Text
    """Client id; of a cancel that of the cancel, and then `C` is the order's own."""
    S: str
    o: str
    q: Amount
    p: Amount
    P: Amount
    C: Text
    x: str
    X: str
    i: Id
    l: Amount  # noqa: E741
    z: Amount
    L: Amount
    n: Amount | None
    N: Name | None
    T: Ms
    t: Id
    m: bool = False
    r: Text = "NONE"
    g: Id = -1
    I: Id = -1  # noqa: E741
    O: Ms = 0  # noqa: E741

    @property
    def own_id(self) -> str:
        return self.C or self.c


class BalanceBody(Struct, gc=False):
    a: Name
    f: Amount
    l: Amount  # noqa: E741


class AccountPosition(StreamEvent, tag="outboundAccountPosition"):
    """Assets whose balance may have changed."""

    B: list[BalanceBody]


class BalanceUpdate(StreamEvent, tag="balanceUpdate", gc=False):
    """Something came in or left, by no trade."""

    a: Name
    d: Amount


class ExternalLock(StreamEvent, tag="externalLockUpdate", gc=False):
    a: Name
    d: Amount


class ListStatus(StreamEvent, tag="listStatus", gc=False):
    s: Name
    g: Id
    L: str
    r: Text = "NONE"


class StreamTerminated(StreamEvent, tag="eventStreamTerminated", gc=False):
    """The subscription is over: events of it come no more."""


class ServerShutdown(StreamEvent, tag="serverShutdown", gc=False):
    """The server goes: connect anew at once."""


AccountEvent = (
    ExecutionReport
    | AccountPosition
    | BalanceUpdate
    | ExternalLock
    | ListStatus
    | StreamTerminated
    | ServerShutdown
)
_event = msgspec.json.Decoder(AccountEvent)


def account_event(raw: bytes | Raw) -> AccountEvent:
    """Raises WireFault, for an event of an unknown kind too."""
    try:
        event: AccountEvent = _event.decode(raw)
    except UNREADABLE as error:
        raise WireFault(unread(error)) from None
    return event
