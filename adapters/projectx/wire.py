"""Records of the gateway as they come over the wire, decoded typed and read liberally.

The typed decoders are the fast path. What they refuse is tried once more with the oddities that users of
the gateway reported: PascalCase keys, numbers as strings, `orderId` instead of `id`, rows without their
`{action, data}` envelope, one object where a list is usual. Only then is a record undecodable (WireError).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Raw, Struct


class WireError(ValueError):
    """A record that makes no sense. Its text names the reason, not the record."""


UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that are no record: no JSON, no UTF-8, another shape, nested without end."""

NOTHING = Raw(b"null")
ABSENT = Raw()
"""The value of a key that was not sent."""


class Reply(Struct, rename="camel"):
    """The envelope of every answer. Payloads stay raw for whoever knows their shape."""

    success: bool
    error_code: int = 0
    error_message: str | None = None
    token: str | None = None
    new_token: str | None = None
    order_id: int | None = None
    accounts: Raw = NOTHING
    contracts: Raw = NOTHING
    contract: Raw = NOTHING
    bars: Raw = NOTHING
    orders: Raw = NOTHING
    total_count: int | None = None
    positions: Raw = NOTHING
    trades: Raw = NOTHING

    def __repr__(self) -> str:
        # Tokens must not reach a log through a repr.
        return f"Reply(success={self.success}, error_code={self.error_code})"


class AccountRow(Struct, rename="camel"):
    id: int
    name: str
    balance: Decimal
    can_trade: bool
    is_visible: bool = True
    simulated: bool | None = None


class ContractRow(Struct, rename="camel"):
    id: str
    name: str
    tick_size: Decimal
    tick_value: Decimal
    active_contract: bool
    symbol_id: str
    description: str = ""


class BarRow(Struct):
    t: str
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741  the wire's own name
    c: Decimal
    v: int


class OrderRow(Struct, rename="camel"):
    id: int
    account_id: int
    contract_id: str
    creation_timestamp: str
    status: int
    type: int
    side: int
    size: int
    symbol_id: str | None = None
    update_timestamp: str | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    fill_volume: int | None = None
    filled_price: Decimal | None = None
    custom_tag: str | None = None
    parent_order_id: int | None = None


class PositionRow(Struct, rename="camel"):
    id: int
    account_id: int
    contract_id: str
    type: int
    size: int
    average_price: Decimal
    creation_timestamp: str | None = None


class TradeRow(Struct, rename="camel"):
    """A half-turn of ours. `fees` and `commissions` are USD for the whole row."""

    id: int
    account_id: int
    contract_id: str
    creation_timestamp: str
    price: Decimal
    side: int
    size: int
    order_id: int
    fees: Decimal | None = None
    commissions: Decimal | None = None
    voided: bool = False


class QuoteRow(Struct, rename="camel", gc=False):
    """Only what changed: a missing key says nothing. Prices stay as they are written (mapping.PriceTexts)."""

    best_bid: Raw = ABSENT
    best_ask: Raw = ABSENT
    last_price: Raw = ABSENT
    change: Raw = ABSENT
    open: Raw = ABSENT
    volume: float | None = None
    """Of the session so far."""
    timestamp: str | None = None
    last_updated: str | None = None


class PrintRow(Struct, gc=False):
    """A trade of the market, its price as it is written; `type` is the aggressor: 0 buy, 1 sell."""

    price: Raw
    volume: int
    timestamp: str
    type: int | None = None


class QuoteRecord(Struct, tag_field="target", tag="GatewayQuote", gc=False):
    """A whole record of the market hub: its envelope and its arguments in one decoding."""

    type: Literal[1]
    arguments: tuple[str, QuoteRow]


class PrintsRecord(Struct, tag_field="target", tag="GatewayTrade", gc=False):
    type: Literal[1]
    arguments: tuple[str, list[PrintRow] | PrintRow]


class UserRecord(Struct):
    """Envelope of a user-hub event: `action` 0 create, 1 update, 2 delete."""

    data: Raw
    action: int = 1


T = TypeVar("T")
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}
_lists: dict[Any, msgspec.json.Decoder[Any]] = {}
_loose = msgspec.json.Decoder(float_hook=Decimal)
_quote = msgspec.json.Decoder(tuple[str, QuoteRow])
_prints = msgspec.json.Decoder(tuple[str, list[PrintRow] | PrintRow])
_quote_again = msgspec.json.Decoder(QuoteRow, strict=False)
_print_again = msgspec.json.Decoder(PrintRow, strict=False)
_arguments = msgspec.json.Decoder(list[Raw])
_encoder = msgspec.json.Encoder(decimal_format="number")

market_record = msgspec.json.Decoder(QuoteRecord | PrintsRecord).decode
"""Bytes to a record as the market hub nearly always writes it. Raises MsgspecError for any other, which
the hub reads and then `read_quote` or `read_prints`."""
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
    for part in read(raw, list[Raw] | None) or ():  # type: ignore[arg-type]
        try:
            rows.append(read(part, shape))
        except WireError as error:
            if bad is None:
                raise
            bad(error)
    return rows


def read_user(arguments: Raw, shape: type[T]) -> list[tuple[int, T]]:
    """(action, row) of every argument of a user-hub event, with or without envelope. Raises WireError."""
    try:
        parts = _arguments.decode(arguments)
    except UNREADABLE as error:
        raise WireError(f"arguments are not a list: {error}") from None
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


def _user_rows(part: Raw, shape: type[T]) -> list[tuple[int, T]]:
    try:
        record = _envelope.decode(part)
        return [(record.action, read(record.data, shape))]
    except (*UNREADABLE, WireError):
        return [_unwrap(item, shape) for item in _as_list(_loosely(part))]


def _unwrap(item: Any, shape: type[T]) -> tuple[int, T]:
    if isinstance(item, dict) and "data" in item:
        return _convert(item.get("action", 1), int), _convert(item["data"], shape)
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
    try:
        return _lower(_loose.decode(raw))
    except UNREADABLE as error:
        raise WireError(f"not JSON: {error}") from None


def _lower(value: Any) -> Any:
    """Keys with their first letter small."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_lower(item) for item in value]
    return value


def _decode_again(value: Any, decoder: msgspec.json.Decoder[T]) -> T:
    """For shapes with raw parts, which can only be decoded."""
    try:
        return decoder.decode(_encoder.encode(value))
    except UNREADABLE as error:
        raise WireError(str(error)) from None


def _convert(value: Any, shape: type[T]) -> T:
    if shape is OrderRow and isinstance(value, dict) and "id" not in value and "orderId" in value:
        value = value | {"id": value["orderId"]}
    try:
        return msgspec.convert(value, shape, strict=False)
    except UNREADABLE as error:
        raise WireError(str(error)) from None
