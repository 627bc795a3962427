"""Faults of a connection in words: none shows the name of an exception, none a secret."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from adapters.common.plain_words import in_words
from adapters.notify.channels.apprise import last_words

KEY = ConnectionKey("example.org", 443, True, True, None, None, None)


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed"), "nothing listens there"),
        (OSError(errno.ENETUNREACH, "x"), "there is no way to it: is the network up?"),
        (socket.gaierror(-2, "Name or service not known"), "its name is not found: is the network up?"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(), "it hung up"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "it hung up"),
        (ssl.SSLError(1, "wrong version number"), "no encrypted connection comes about"),
        (untrusted(), "its certificate is not trusted (self-signed certificate)"),
    ],
)
def test_what_went_wrong_is_said_plainly_however_it_is_wrapped(error: OSError, words: str) -> None:
    assert in_words(error) == words
    assert in_words(aiohttp.ClientConnectorError(KEY, error)) == words
    outer = RuntimeError("outer")
    outer.__cause__ = error
    assert in_words(outer) == words


def test_what_is_not_known_says_its_own_words_without_secrets() -> None:
    assert in_words(aiohttp.ServerDisconnectedError()) == "Server disconnected"
    assert in_words(ValueError()) == "without a reason"
    assert "hush" not in in_words(ValueError("the secret is hush"), "hush")


def test_a_librarys_trail_of_exceptions_comes_down_to_its_cause() -> None:
    trail = (
        "Socket Exception: HTTPConnectionPool(host='h', port=1): Max retries exceeded with url: / (Caused by "
        "NewConnectionError('<x>: Failed to establish a new connection: [Errno 111] Connection refused'))"
    )
    assert last_words([trail]) == "connection refused"
    assert last_words(["Socket Exception: [Errno 111] Connection refused"]) == "connection refused"
