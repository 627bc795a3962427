"""Records of the gateway as they come over the wire, decoded typed and read liberally.

The typed decoders are the fast path. What they refuse is tried once more with the oddities that users of
the gateway reported: PascalCase keys, numbers as strings, `orderId` instead of `id`, rows without their
`{action, data}` envelope, one object where a list is usual. Only then is a record undecodable (WireError).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from adapters.common.typed_json import UNREADABLE


class WireError(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


MOST_NESTED = 32
"""Levels of a record. The gateway's own have five."""
LONGEST_LOOSE = 1 << 20
"""Bytes of what is read liberally: that takes fifty times as long."""
_MOST_BAD = 100
"""Rows of one answer that make no sense and are left out; with more of them it is no answer."""

MOST_CONTRACTS = 100_000
"""Of an order, a fill or a position: no account may have as many."""
Id = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Code = Annotated[int, Meta(ge=-1_000, le=1_000_000)]
Size = Annotated[int, Meta(ge=0, le=MOST_CONTRACTS)]
Volume = Annotated[int, Meta(ge=0, le=10**9)]
"""Of the whole market."""
_MOST_DIGITS = 12
"""No balance, price or fee has more before its point."""
Text = Annotated[str, Meta(max_length=1_000)]

NOTHING = Raw(b"null")
ABSENT = Raw()
"""The value of a key that was not sent."""


def possible(*amounts: Decimal | int) -> Decimal:
    """The first of some amounts or prices. Raises ValueError for any that can't be true."""
    for amount in amounts:
        if isinstance(amount, Decimal) and not (amount.is_finite() and amount.adjusted() < _MOST_DIGITS):
            raise ValueError(f"not an amount: {str(amount)[:40]}")
    return Decimal(amounts[0])


class Reply(Struct, rename="camel"):
    """The envelope of every answer. Payloads stay raw for whoever knows their shape."""

    success: bool
    error_code: Code = 0
    error_message: str | None = None
    token: str | None = None
    new_token: str | None = None
    order_id: Id | None = None
    accounts: Raw = NOTHING
    contracts: Raw = NOTHING
    contract: Raw = NOTHING
    bars: Raw = NOTHING
    orders: Raw = NOTHING
    total_count: Volume | None = None
    positions: Raw = NOTHING
    trades: Raw = NOTHING

    def __repr__(self) -> str:
        # Tokens must not reach a log through a repr.
        return f"Reply(success={self.success}, error_code={self.error_code})"


class WireAccount(Struct, rename="camel"):
    id: Id
    name: Text
    balance: Decimal
    can_trade: bool
    is_visible: bool = True
    simulated: bool | None = None

    def __post_init__(self) -> None:
        possible(self.balance)


class ContractRow(Struct, rename="camel"):
    id: Text
    name: Text
    tick_size: Decimal
    tick_value: Decimal
    active_contract: bool
    symbol_id: Text
    description: Text = ""

    def __post_init__(self) -> None:
        possible(self.tick_size, self.tick_value)


class BarRow(Struct):
    t: Text
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741  the wire's own name
    c: Decimal
    v: Volume


class WireOrder(Struct, rename="camel"):
    id: Id
    account_id: Id
    contract_id: Text
    creation_timestamp: Text
    status: Code
    type: Code
    side: Code
    size: Size
    symbol_id: Text | None = None
    update_timestamp: Text | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    fill_volume: Size | None = None
    filled_price: Decimal | None = None
    custom_tag: Text | None = None
    parent_order_id: Id | None = None


class WirePosition(Struct, rename="camel"):
    id: Id
    account_id: Id
    contract_id: Text
    type: Code
    size: Size
    average_price: Decimal
    creation_timestamp: Text | None = None

    def __post_init__(self) -> None:
        possible(self.average_price)


class WireTrade(Struct, rename="camel"):
    """A half-turn of ours. `fees` and `commissions` are USD for the whole row."""

    id: Id
    account_id: Id
    contract_id: Text
    creation_timestamp: Text
    price: Decimal
    side: Code
    size: Size
    order_id: Id
    fees: Decimal | None = None
    commissions: Decimal | None = None
    voided: bool = False

    def __post_init__(self) -> None:
        possible(self.price, self.fees or 0, self.commissions or 0)


class QuoteRow(Struct, rename="camel", gc=False):
    """Only what changed: a missing key says nothing. Prices stay as they are written (mapping.PriceTexts)."""

    best_bid: Raw = ABSENT
    best_ask: Raw = ABSENT
    last_price: Raw = ABSENT
    change: Raw = ABSENT
    open: Raw = ABSENT
    volume: float | None = None
    """Of the session so far."""
    timestamp: Text | None = None
    last_updated: Text | None = None


class PrintRow(Struct, gc=False):
    """A trade of the market, its price as it is written; `type` is the aggressor: 0 buy, 1 sell."""

    price: Raw
    volume: Volume
    timestamp: Text
    type: Code | None = None


class LevelRow(Struct, gc=False):
    """A level of the book, or what was traded at a price so far; `type` says which (projectx/depth.py)."""

    type: Code
    price: Raw
    volume: Volume = 0
    timestamp: Text | None = None


class QuoteRecord(Struct, tag_field="target", tag="GatewayQuote", gc=False):
    """A whole record of the market hub: its envelope and its arguments in one decoding."""

    type: Literal[1]
    arguments: tuple[str, QuoteRow]


class PrintsRecord(Struct, tag_field="target", tag="GatewayTrade", gc=False):
    type: Literal[1]
    arguments: tuple[str, list[PrintRow] | PrintRow]


class LevelsRecord(Struct, tag_field="target", tag="GatewayDepth", gc=False):
    type: Literal[1]
    arguments: tuple[str, list[LevelRow] | LevelRow]


class UserRecord(Struct):
    """Envelope of a user-hub event: `action` 0 create, 1 update, 2 delete."""

    data: Raw
    action: Code = 1


T = TypeVar("T")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_lists: dict[Any, msgspec.json.Decoder[Any]] = {}
_loose = msgspec.json.Decoder(float_hook=Decimal)
_quote = msgspec.json.Decoder(tuple[str, QuoteRow])
_prints = msgspec.json.Decoder(tuple[str, list[PrintRow] | PrintRow])
_depth = msgspec.json.Decoder(tuple[str, list[LevelRow] | LevelRow])
_depth_again = msgspec.json.Decoder(LevelRow, strict=False)
_quote_again = msgspec.json.Decoder(QuoteRow, strict=False)
_print_again = msgspec.json.Decoder(PrintRow, strict=False)
_arguments = msgspec.json.Decoder(list[Raw])
_encoder = msgspec.json.Encoder(decimal_format="number")

market_record = msgspec.json.Decoder(QuoteRecord | PrintsRecord | LevelsRecord).decode
"""Bytes to a record as the market hub nearly always writes it. Raises MsgspecError for any other, which
the hub reads and then `read_quote`, `read_prints` or `read_depth`."""
_envelope = msgspec.json.Decoder(UserRecord)


def read(raw: bytes | Raw, shape: type[T]) -> T:
    """The record as `shape`. Raises WireError."""
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        result: T = decoder.decode(raw)
    except UNREADABLE:
        return _convert(_loosely(raw), shape)
    return result


def read_rows(raw: Raw, shape: type[T], bad: Callable[[WireError], None] | None = None) -> list[T]:
    """The rows of a reply; NOTHING is an empty list.

    A row that can't be decoded raises WireError, or goes to `bad` and is left out where that is given.
    """
    whole = _lists.get(shape)
    if whole is None:
        whole = _lists[shape] = msgspec.json.Decoder(list[shape] | None)  # type: ignore[valid-type]
    try:
        return whole.decode(raw) or []
    except UNREADABLE:
        rows: list[T] = []  # one at a time and liberally, then
    left_out = 0
    for part in read(raw, list[Raw] | None) or ():  # type: ignore[arg-type]
        try:
            rows.append(read(part, shape))
        except WireError as error:
            left_out += 1
            if bad is None or left_out > _MOST_BAD:
                raise
            bad(error)
    return rows


def read_user(arguments: Raw, shape: type[T]) -> list[tuple[int, T]]:
    """(action, row) of every argument of a user-hub event, with or without envelope. Raises WireError."""
    try:
        parts = _arguments.decode(arguments)
    except UNREADABLE as error:
        raise WireError(f"arguments are not a list: {unread(error)}") from None
    return [pair for part in parts for pair in _user_rows(part, shape)]


def read_quote(arguments: Raw) -> tuple[str, QuoteRow]:
    """Contract id and the changed part of its quote. Raises WireError."""
    try:
        contract, row = _quote.decode(arguments)
    except UNREADABLE:
        contract, payload = _split_loosely(arguments)
        return contract, _decode_again(payload, _quote_again)
    if row.timestamp is None and row.last_updated is None:
        # Every quote carries a time; without one the keys may be spelt in another case.
        contract, payload = _split_loosely(arguments)
        row = _decode_again(payload, _quote_again)
        if row == QuoteRow():
            raise WireError("a quote without any known key")
    return contract, row


def read_prints(arguments: Raw) -> tuple[str, list[PrintRow]]:
    """Contract id and its prints, oldest first. Raises WireError."""
    try:
        contract, rows = _prints.decode(arguments)
    except UNREADABLE:
        contract, payload = _split_loosely(arguments)
        return contract, [_decode_again(item, _print_again) for item in _as_list(payload)]
    return contract, rows if isinstance(rows, list) else [rows]


def read_depth(arguments: Raw) -> tuple[str, list[LevelRow]]:
    """Contract id and rows of its book, in their order. Raises WireError."""
    try:
        contract, rows = _depth.decode(arguments)
    except UNREADABLE:
        contract, payload = _split_loosely(arguments)
        return contract, [_decode_again(item, _depth_again) for item in _as_list(payload)]
    return contract, rows if isinstance(rows, list) else [rows]


def _user_rows(part: Raw, shape: type[T]) -> list[tuple[int, T]]:
    try:
        record = _envelope.decode(part)
        return [(record.action, read(record.data, shape))]
    except (*UNREADABLE, WireError):
        return [_unwrap(item, shape) for item in _as_list(_loosely(part))]


def _unwrap(item: Any, shape: type[T]) -> tuple[int, T]:
    if isinstance(item, dict) and "data" in item:
        return _convert(item.get("action", 1), Code), _convert(item["data"], shape)
    return 1, _convert(item, shape)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _split_loosely(arguments: Raw) -> tuple[str, Any]:
    """Contract id and payload of a market event, wherever the contract id stands."""
    parts = _as_list(_loosely(arguments))
    if len(parts) == 2 and isinstance(parts[0], str):
        return parts[0], parts[1]
    if len(parts) == 1:
        first = _as_list(parts[0])
        if first and isinstance(first[0], dict):
            contract = first[0].get("contractId") or first[0].get("contract")
            if isinstance(contract, str):
                return contract, parts[0]
    raise WireError("a market event without contract id and payload")


def _loosely(raw: bytes | Raw) -> Any:
    if len(bytes(raw)) > LONGEST_LOOSE:
        raise WireError("too long to be read liberally")
    try:
        return _lower(_loose.decode(raw))
    except UNREADABLE as error:
        raise WireError(unread(error)) from None


def unread(error: Exception) -> str:
    """Why bytes could not be decoded, in words."""
    if isinstance(error, RecursionError):
        return f"nested more than {MOST_NESTED} levels deep"
    return "no UTF-8" if isinstance(error, UnicodeDecodeError) else f"not JSON: {error}"


def _lower(value: Any, left: int = MOST_NESTED) -> Any:
    """Keys with their first letter small."""
    if isinstance(value, (dict, list)) and not left:
        raise RecursionError
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(item, left - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower(item, left - 1) for item in value]
    return value


def _decode_again(value: Any, decoder: msgspec.json.Decoder[T]) -> T:
    """For shapes with raw parts, which can only be decoded."""
    try:
        return decoder.decode(_encoder.encode(value))
    except UNREADABLE as error:
        raise WireError(str(error)) from None


def _convert(value: Any, shape: type[T]) -> T:
    if shape is WireOrder and isinstance(value, dict) and "id" not in value and "orderId" in value:
        value = value | {"id": value["orderId"]}
    try:
        return msgspec.convert(value, shape, strict=False)
    except UNREADABLE as error:
        raise WireError(str(error)) from None
