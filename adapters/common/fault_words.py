"""What goes wrong on the way to the gateway, as a person would say it: never with the name of an exception.

docs/safety.md says what each sentence means, what tstream does, and what you can do.
"""

from __future__ import annotations

import re

import aiohttp
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidURI,
    WebSocketException,
)

from adapters.common.plain_words import in_words
from adapters.common.redaction import scrub

HUNG_UP = "it hung up without a word"
NOT_HTTP = "what it answers is no answer of a gateway"
INTERNAL = "internal error, see the log"

_CLOSED = {
    1000: "it ended the connection",
    1001: "it is going away, for a restart perhaps",
    1009: "a record came that is larger than any can be",
    1011: "it has a fault of its own",
    1012: "it is being restarted",
    1013: "it has too much to do",
}
_NAME = re.compile(r"\b\w*[a-z](?:Error|Exception|Warning)\b|<class|Traceback")


def fault_words(error: BaseException, *secrets: str) -> str:
    """The fault of a request or of a hub's connection, short and without secrets."""
    match error:
        case ConnectionClosed():
            told = error.rcvd or error.sent
            if told is None:
                return HUNG_UP
            reason = f" ({scrub(told.reason, *secrets)})" if told.reason else ""
            return _CLOSED.get(told.code, f"it ended the connection with code {told.code}") + reason
        case InvalidURI() | InvalidProxy() | aiohttp.InvalidURL():
            return "its address in the settings is none"
        case InvalidHandshake() | aiohttp.ClientResponseError():
            return NOT_HTTP
        case aiohttp.ServerDisconnectedError() | EOFError():
            return HUNG_UP
        case aiohttp.ClientPayloadError():
            return "its answer broke off"
        case aiohttp.ClientConnectorCertificateError():
            return in_words(error.certificate_error, *secrets)
        case WebSocketException():
            return "it does not speak as a hub does"
    words = in_words(error, *secrets)
    # What no line above knows is told in its own words, as long as they are words.
    return "an unknown fault" if _NAME.search(words) else words
