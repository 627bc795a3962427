"""Who is let in: a password for those who trade and one for those who look, slowly guessed, and cookies."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from adapters.common.secret import Secret
from adapters.control.attach_protocol import Role

LASTS_S = 12 * 3600.0
"""A login is good for so long."""
_LOGINS = 64
"""With one more the oldest one goes."""
_TRIES = 5
"""Wrong passwords within WINDOW_S, from one address; and four times as many from all together."""
WINDOW_S = 300.0
_ADDRESSES = 1_000


class WebLogin(Struct, frozen=True):
    role: Role
    until: float
    """Monotonic seconds."""


class Logins:
    """`clock` gives monotonic seconds. Cookies are kept by their hash, in memory: a restart ends all."""

    def __init__(self, trader: Secret | None, viewer: Secret | None, clock: Callable[[], float]) -> None:
        self._secrets = {Role.TRADER: trader, Role.VIEWER: viewer}
        self._clock = clock
        self._logins: dict[str, WebLogin] = {}
        self._wrong: dict[str, deque[float]] = {}
        self._all_wrong: deque[float] = deque(maxlen=4 * _TRIES)
        self._known: deque[str] = deque(maxlen=_LOGINS)
        """Addresses from which the password was right: strangers who guess keep nobody else out."""

    def wait_s(self, address: str) -> float:
        """How long nobody at an address is listened to, seconds; 0 where a password may be tried."""
        waits = [
            WINDOW_S - (self._clock() - tries[0])
            for tries in (self._wrong.get(address), None if address in self._known else self._all_wrong)
            if tries is not None and len(tries) == tries.maxlen
        ]
        return max(0.0, *waits) if waits else 0.0

    def try_password(self, given: str, address: str) -> str | None:
        """A cookie where the password is right, else None, which is counted. Ask `wait_s` before."""
        found = None
        for role, secret in self._secrets.items():
            # Both are compared in any case: the time that it takes tells nothing.
            if secret is not None and hmac.compare_digest(_digest(given), _digest(secret.reveal())):
                found = role
        if found is None:
            now = self._clock()
            if address not in self._wrong and len(self._wrong) >= _ADDRESSES:
                self._wrong.pop(next(iter(self._wrong)))
            self._wrong.setdefault(address, deque(maxlen=_TRIES)).append(now)
            self._all_wrong.append(now)
            return None
        self._wrong.pop(address, None)
        self._known.append(address)
        cookie = secrets.token_urlsafe(32)
        while len(self._logins) >= _LOGINS:
            self._logins.pop(next(iter(self._logins)))
        self._logins[_digest(cookie).hex()] = WebLogin(found, self._clock() + LASTS_S)
        return cookie

    def role_of(self, cookie: str) -> Role | None:
        """Whose a cookie is; None where nobody's, or not any more."""
        name = _digest(cookie).hex()
        login = self._logins.get(name)
        if login is not None and login.until <= self._clock():
            del self._logins[name]
            return None
        return None if login is None else login.role

    def forget(self, cookie: str) -> None:
        """Log out."""
        self._logins.pop(_digest(cookie).hex(), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
