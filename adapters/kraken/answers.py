"""What the venue's errors mean: which of the four errors, and what a person can do.


An error stands as text, "EOrder:Insufficient funds": its family, then what is wrong
(docs/protocols/kraken.md#errors). Pure.
"""

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

STALE_TOKEN = ("EAPI:Invalid token", "ESession:Invalid session")
"""The request was not looked at: with a fresh token it may be sent again."""
LOCKED_OUT = "EGeneral:Temporary lockout"

_REMEDIES = {
    "EAPI:Invalid key": "the venue does not know this API key: copy it again; it is a key of Kraken's, not "
    "of Kraken Futures of old",
    "EAPI:Invalid signature": "the private key does not belong to the API key: copy both again",
    "EGeneral:Permission denied": "the API key may not do this: give it the permissions to access the "
    "WebSockets API, to query open orders, and to create, modify and cancel orders",
}
_LIMITED = ("rate limit exceeded", "exceeded msg rate", "throttled")
_CLOSED = (
    "cancel_only",
    "post_only",
    "maintenance",
    "market is closed",
    "market suspended",
    "reduce_only mode",
)
_GONE = ("unknown order", "invalid order", "order not found", "order already", "no position exists")
_UNSURE = ("EService:", "EGeneral:Internal error", "EGeneral:Unknown error")
_TAKEN = ("cl_ord_id", "client order id")
_TAKEN_WORDS = ("duplicate", "already", "in use", "exists")


def remedy(error: str) -> str:
    """What a person can do about an error of the key; empty where nothing is known."""
    return next((words for start, words in _REMEDIES.items() if error.startswith(start)), "")


def is_stale_token(error: str) -> bool:
    return error.startswith(STALE_TOKEN)


def is_limited(error: str) -> bool:
    """Too many requests: this one was not looked at."""
    return any(word in error.lower() for word in _LIMITED)


def key_fault(errors: list[str]) -> PortError:
    """Of a request for a token. Only what a person must mend is fatal."""
    text = scrub("; ".join(errors) or "no reason")
    for error in errors:
        if words := remedy(error):
            return FatalError(f"{text}: {words}")
    return RetryableError(f"no token: {text}")


def order_fault(name: str, error: str | None, *, acts: bool = True) -> PortError:
    """Of a request that was answered without success; `acts`: it changes something."""
    if not error:
        text = f"{name}: an answer that says neither yes nor no"
        return UnknownOutcomeError(text) if acts else RetryableError(text)
    text, low = f"{name}: {scrub(error)}", error.lower()
    if is_limited(error):
        return RetryableError(f"{text}: it was not looked at")
    if is_stale_token(error):
        return RetryableError(f"{text}: a fresh token was refused")
    if words := remedy(error):
        return RefusedError(f"{text}: {words}")
    if any(word in low for word in _CLOSED):
        return RefusedError(text, cause=Cause.CLOSED)
    if any(word in low for word in _TAKEN) and any(word in low for word in _TAKEN_WORDS):
        return RefusedError(text, cause=Cause.TAKEN)
    if any(word in low for word in _GONE):
        return RefusedError(text, cause=Cause.GONE)
    if error.startswith(_UNSURE):
        return UnknownOutcomeError(text) if acts else RetryableError(text)
    return RefusedError(text)
