"""Faults of a connection as a person would say them: what is wrong, without the name of an exception."""

from __future__ import annotations

import errno
import socket
import ssl

from adapters.common.redaction import scrub

_HUNG_UP = "it hung up"
_NO_WAY = "there is no way to it: is the network up?"
_BY_NUMBER = {
    errno.ECONNREFUSED: "nothing listens there",
    errno.ECONNRESET: _HUNG_UP,
    errno.EPIPE: _HUNG_UP,
    errno.ECONNABORTED: _HUNG_UP,
    errno.ENETUNREACH: _NO_WAY,
    errno.EHOSTUNREACH: _NO_WAY,
    errno.ENETDOWN: _NO_WAY,
    errno.ETIMEDOUT: "no answer in time",
}


def in_words(error: BaseException, *secrets: str) -> str:
    """What a library's error says, short and without secrets."""
    inner = getattr(error, "os_error", None) or error.__cause__ or error
    for one in (inner, error):
        match one:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({scrub(one.verify_message, *secrets)})"
            case ssl.SSLError():
                return "no encrypted connection comes about"
            case socket.gaierror():
                return "its name is not found: is the network up?"
            case TimeoutError():
                return "no answer in time"
            case OSError() if one.errno in _BY_NUMBER:
                return _BY_NUMBER[one.errno]
            case ConnectionError():
                return _HUNG_UP
    own = (inner.strerror if isinstance(inner, OSError) else None) or error
    return scrub(own, *secrets).rstrip() or "without a reason"
