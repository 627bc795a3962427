"""Who is let in: signed requests for tokens, and which tokens are good (docs/protocols/kraken.md#token)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.twins.sockets import TwinSocket
from engine.model.market import NANOS

PATH = "/0/private/GetWebSocketsToken"
LIFE_S = 900


class TokenDesk:
    """Gives tokens to whoever signs well, and knows whose they are."""

    def __init__(self, account_of: Callable[[str], TwinAccount | None], clock: Callable[[], int]) -> None:
        self._account_of = account_of
        self._clock = clock
        self._given: dict[str, tuple[TwinAccount, int]] = {}
        self._nonces: dict[str, int] = {}
        self._ended: set[str] = set()

    def issue(self, key: str, signature: str, body: str) -> tuple[str, str]:
        """(Token, error): one of the two is empty."""
        account = self._account_of(key)
        if account is None:
            return "", "EAPI:Invalid key"
        nonce = parse_qs(body).get("nonce", [""])[0]
        if not nonce.isdecimal():
            return "", "EAPI:Invalid nonce"
        if not hmac.compare_digest(_signed(account.login.secret, nonce, body), signature):
            return "", "EAPI:Invalid signature"
        if int(nonce) <= self._nonces.get(key, -1):
            return "", "EAPI:Invalid nonce"
        self._nonces[key] = int(nonce)
        token = secrets.token_urlsafe(32)
        self._given[token] = account, self._clock()
        return token, ""

    def owner(self, socket: TwinSocket, token: object) -> TwinAccount | None:
        """Whose a token is. It is good for its life, and on a connection that began with it as long."""
        if not isinstance(token, str) or token in self._ended:
            return None
        account, since = self._given.get(token, (None, 0))
        fresh = self._clock() - since < LIFE_S * NANOS
        if account is None or not (fresh or socket.data.get("token") == token):
            return None
        socket.data["token"] = token
        socket.account = account
        return account

    def expire(self) -> None:
        """No token that was given is good any more, on open connections neither."""
        self._ended |= self._given.keys()


def _signed(secret: str, nonce: str, body: str) -> str:
    """As the exchange's page says it, apart from the adapter's own."""
    try:
        key = base64.b64decode(secret)
    except (binascii.Error, ValueError):
        key = b""
    inner = hashlib.sha256(f"{nonce}{body}".encode()).digest()
    return base64.b64encode(hmac.digest(key, PATH.encode() + inner, "sha512")).decode()
