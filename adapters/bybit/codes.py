"""What Bybit's return codes mean for who asked (docs/protocols/bybit.md#orders). They come with HTTP 200."""

from __future__ import annotations

from adapters.common.redaction import scrub
from engine.model.errors import (
    Cause,
    FatalError,
    PortError,
    RefusedError,
    RetryableError,
    UnknownOutcomeError,
)

OK = 0
OUT_OF_TIME = 10002
RATE = frozenset({10006, 10018})
"""Too many requests, of the user or of the address: it was not done."""
NO_POSITION = frozenset({110017, 110034})
"""What was to be reduced is not there."""

_PERSON = {
    10003: "the API key is not known here: a key of the testnet or of the demo works on that host only",
    10004: "the signature is wrong: check the API secret",
    10007: "the API key is not accepted",
    10008: "the user is banned",
    10010: "the API key is bound to other IP addresses",
    10028: "this needs a unified trading account: upgrade it at the venue",
    33004: "the API key has expired: make a new one",
}
_UNCLEAR = frozenset({10000, 10016})
"""A fault of the server, which does not say what became of the request."""
_BUSY = 110079
"""The order is being worked on: the same is right a little later."""
_CAUSES = {
    **dict.fromkeys((110001, 110008, 110010, 110019, 110034, 170142, 170143, 170213), Cause.GONE),
    **dict.fromkeys((110030, 110072, 170141), Cause.TAKEN),
    **dict.fromkeys((110062, 110065, 110074), Cause.CLOSED),
}
_WORDS = {
    10005: "the API key may not do this: give it the right to trade, or take another",
    110003: "the price is beyond what the venue takes now",
    110004: "not enough money",
    110006: "not enough money for the margin",
    110007: "not enough money",
    110009: "too many stop orders of one symbol",
    110012: "not enough money",
    110017: "there is nothing that it would reduce",
    110020: "500 active orders are the most",
    110044: "not enough money for the margin",
    110045: "not enough money",
    110065: "no trading is allowed now",
    110094: "the order is worth less than the venue takes",
    170131: "not enough money",
}


def error_of(name: str, code: int, message: str, *, acts: bool) -> PortError:
    """The error that an answer with a code other than 0 is; the caller sees to OUT_OF_TIME and RATE."""
    text = f"{name}: {_PERSON.get(code) or _WORDS.get(code) or f'refused with code {code}'}"
    if message and message != "OK":
        text += f" ({scrub(message)})"
    if code in _PERSON:
        return FatalError(text)
    if code in _UNCLEAR:
        return UnknownOutcomeError(text) if acts else RetryableError(text)
    if code in (_BUSY, OUT_OF_TIME) or code in RATE:
        return RetryableError(text)
    return RefusedError(text, code, _CAUSES.get(code, Cause.OTHER))
