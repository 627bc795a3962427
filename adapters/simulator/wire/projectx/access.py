"""Who is let in, and how often: tokens that look like the platform's JWTs and expire as they do
(docs/protocols/projectx.md#authentication), and how often anything may be asked
(docs/protocols/projectx.md#limits).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections import deque

import msgspec
from msgspec import Struct

from adapters.simulator.market.hours import NANOS

DAY_NS = 86_400 * NANOS


class Tokens:
    """Issues tokens and knows which are valid. Several may be; a new one does not end an older one."""

    def __init__(self, lifetime_ns: int = DAY_NS, key: str = "") -> None:
        self.lifetime_ns = lifetime_ns
        self.key = key
        """The API key that logs in."""
        self._secret = secrets.token_bytes(32)
        self._valid: dict[str, int] = {}

    def issue(self, user: str, now: int) -> str:
        """A new token, valid for the lifetime by the venue's clock."""
        expires = now + self.lifetime_ns
        claims: dict[str, str | int] = {
            "sub": user,
            "jti": secrets.token_hex(8),
            "iat": now // NANOS,
            "nbf": now // NANOS,
            "exp": expires // NANOS,
        }
        head = _part({"alg": "HS256", "typ": "JWT"})
        body = _part(claims)
        signature = hmac.new(self._secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        token = f"{head}.{body}.{_base64(signature)}"
        self._valid[token] = expires
        return token

    def valid(self, token: str | None, now: int) -> bool:
        return token is not None and self._valid.get(token, 0) > now

    def revoke(self, token: str) -> None:
        self._valid.pop(token, None)

    def expire_all(self) -> None:
        """Make every token so far invalid at once."""
        self._valid.clear()


class RateLimit(Struct, frozen=True):
    """So many requests within so many nanoseconds."""

    requests: int
    window_ns: int


REST = RateLimit(200, 60 * NANOS)
BARS = RateLimit(50, 30 * NANOS)


class RateCounter:
    """Counts requests in a sliding window."""

    def __init__(self, limit: RateLimit) -> None:
        self.limit = limit
        self._taken: deque[int] = deque()

    def take(self, now: int) -> bool:
        """Count a request; False if it is one too many, which is not counted."""
        taken = self._taken
        while taken and taken[0] <= now - self.limit.window_ns:
            taken.popleft()
        if len(taken) >= self.limit.requests:
            return False
        taken.append(now)
        return True

    def retry_after_ns(self, now: int) -> int:
        """Time until the next request would pass."""
        return max(0, self._taken[0] + self.limit.window_ns - now) if self._taken else 0


def _part(value: dict[str, str | int]) -> str:
    return _base64(msgspec.json.encode(value))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
