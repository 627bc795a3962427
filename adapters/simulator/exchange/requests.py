"""Orders and changes as a client asks for them. Prices come as JSON numbers; a string is a bad request."""

from __future__ import annotations

from msgspec import Struct


class RequestBody(Struct, rename="camel", frozen=True):
    """Base: camelCase on the wire, unknown fields ignored."""


class Bracket(RequestBody, frozen=True):
    ticks: int
    type: int


class PlaceRequest(RequestBody, frozen=True):
    account_id: int
    contract_id: str
    type: int
    side: int
    size: int
    limit_price: float | None = None
    stop_price: float | None = None
    trail_price: float | None = None
    custom_tag: str | None = None
    stop_loss_bracket: Bracket | None = None
    take_profit_bracket: Bracket | None = None


class ModifyRequest(RequestBody, frozen=True):
    account_id: int
    order_id: int
    size: int | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    trail_price: float | None = None
