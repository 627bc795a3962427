"""Who may ask: keys, signatures, the clock, and how much of the weight is used."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from adapters.simulator.twins.account import TwinAccount
from adapters.simulator.wire.binance.refusals import SpotFault
from engine.model.market import MINUTE

MS = 1_000_000
WEIGHT = 6_000
"""Of a minute of the venue's clock."""
_STRIKES = 20
"""Requests after a 429, within the minute, that get an address banned."""
_BAN_NS = 2 * MINUTE
_WINDOW_MS, _MOST_WINDOW_MS = 5_000, 60_000
_AHEAD_MS = 1_000

Params = dict[str, str]


class SpotGate:
    """Checks requests. `account_of` gives whose a key is; `clock` is the venue's, nanoseconds UTC."""

    def __init__(self, account_of: Callable[[str], TwinAccount | None], clock: Callable[[], int]) -> None:
        self._account_of = account_of
        self._clock = clock
        self._minute = -1
        self.used = 0
        self._strikes = 0
        self._banned_until = 0

    def charge(self, weight: int) -> None:
        """Raises SpotFault with 429, and 418 for who goes on."""
        now = self._clock()
        if now < self._banned_until:
            raise self._limited(418, self._banned_until - now)
        if now // MINUTE != self._minute:
            self._minute, self.used, self._strikes = now // MINUTE, 0, 0
        self.used += weight
        if self.used > WEIGHT:
            self._strikes += 1
            if self._strikes > _STRIKES:
                self._banned_until = now + _BAN_NS
                raise self._limited(418, _BAN_NS)
            raise self._limited(429, MINUTE - now % MINUTE)

    def key_of(self, key: str) -> TwinAccount:
        """Whose key it is. Raises SpotFault."""
        account = self._account_of(key) if key else None
        if account is None:
            code, words = (-2015, "Invalid API-key, IP, or permissions for action.")
            raise SpotFault(code if key else -2014, words if key else "API-key format invalid.", 401)
        return account

    def signed(self, account: TwinAccount, payload: str) -> Params:
        """The parameters of a signed REST call, from its query and body as they came. Raises SpotFault."""
        text, _, signature = payload.rpartition("&signature=")
        if not signature:
            raise SpotFault(
                -1102, "Mandatory parameter 'signature' was not sent, was empty/null, or malformed."
            )
        self._verify(account, text, signature)
        params = dict(parse_qsl(text, keep_blank_values=True))
        self._on_time(params)
        return params

    def signed_socket(self, params: Mapping[str, object]) -> tuple[TwinAccount, Params]:
        """The same of a call over the WebSocket API: its parameters sorted by name. Raises SpotFault."""
        told = {name: _text(value) for name, value in params.items()}
        account = self.key_of(told.get("apiKey", ""))
        signature = told.pop("signature", "")
        self._verify(account, "&".join(f"{name}={told[name]}" for name in sorted(told)), signature)
        self._on_time(told)
        return account, told

    def _verify(self, account: TwinAccount, text: str, signature: str) -> None:
        right = hmac.new(account.login.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, signature.lower()):
            raise SpotFault(-1022, "Signature for this request is not valid.")

    def _on_time(self, params: Params) -> None:
        now = self._clock() // MS
        try:
            stamp, window = int(params["timestamp"]), float(params.get("recvWindow", _WINDOW_MS))
        except KeyError:
            raise SpotFault(
                -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
            ) from None
        except ValueError:
            raise SpotFault(-1100, "Illegal characters found in a parameter.") from None
        if not 0 < window <= _MOST_WINDOW_MS:
            raise SpotFault(-1131, "recvWindow must be less than 60000")
        if stamp >= now + _AHEAD_MS:
            raise SpotFault(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now - stamp > window:
            raise SpotFault(-1021, "Timestamp for this request is outside of the recvWindow.")

    def _limited(self, status: int, nanos: int) -> SpotFault:
        seconds = max(1, -(-nanos // 1_000_000_000))
        words = "Too much request weight used; please use WebSocket Streams."
        return SpotFault(-1003, words, status, seconds=seconds)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
