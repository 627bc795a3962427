"""What Binance's error codes mean for what happens next (docs/protocols/binance_spot.md#refusals)."""

from __future__ import annotations

from engine.model.errors import Cause

UNKNOWN_OUTCOME = frozenset({-1006, -1007})
"""Whether it was done is not known."""
NOT_NOW = frozenset({-1000, -1001, -1003, -1008, -1015, -1016, -1034})
"""The request was not looked at, or is one too many: later it may be right."""
CLOCK = -1021
NO_SYMBOL = -1121
NO_ORDER = -2013
CANCEL_REFUSED = -2011
KEY_FORMAT, KEY_REFUSED, SIGNATURE = -2014, -2015, -1022
KEY_PROBLEMS = frozenset({-1002, SIGNATURE, KEY_FORMAT, KEY_REFUSED, -2008})

_TEXTS = (
    ("duplicate order", Cause.TAKEN),
    ("market is closed", Cause.CLOSED),
    ("unknown order", Cause.GONE),
    ("does not exist", Cause.GONE),
)
_OTHER_KEYS = (
    "keys of binance.com, of the testnet and of the demo are different ones: check environment, that the key "
    "may trade spot, and the addresses that it may be used from"
)
_REMEDIES = {
    KEY_FORMAT: f"it is no key of this Binance; {_OTHER_KEYS}",
    KEY_REFUSED: _OTHER_KEYS,
    -2008: _OTHER_KEYS,
    SIGNATURE: "the secret does not belong to the key",
}


def cause(code: int, message: str) -> Cause:
    """What a refusal means. Of a new order Binance gives one code for all, and only its text tells."""
    if code in (NO_ORDER,):
        return Cause.GONE
    said = message.lower()
    return next((found for words, found in _TEXTS if words in said), Cause.OTHER)


def remedy(code: int) -> str:
    """What a person can do about a key that is refused; empty where it is something else."""
    return _REMEDIES.get(code, "")
