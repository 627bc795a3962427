"""Who may come in: by which name it is called, from which web page, with which token, and how often."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from aiohttp import web

from adapters.common.pacing import TokenBucket
from adapters.common.secret import LOOPBACK
from adapters.control.access import AccessLog, Door, Visitor
from adapters.control.rest.config import ApiConfig
from adapters.control.rest.problem import ApiProblem, Code
from adapters.control.rest.service import Caller
from adapters.control.tokens import KnownTokens, Scope
from engine.model.notices import Severity
from engine.ports import Clock

QUERY_NAMES = frozenset({"token", "access_token", "api_token", "apikey", "api_key", "key", "authorization"})
"""In an address nothing of the kind is taken: addresses stand in logs and histories."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
"""Before a wrong token is answered: the first time, and at most. It doubles."""
FORGIVEN_S = 300.0
"""After so long without a wrong token an address begins anew."""
WAITING = 32
"""So many wrong tokens of one address may wait for their answer. Meanwhile a token that a person has chosen
is not looked for among what comes from there: it could be guessed. Those of 32 random bytes can't be.
"""
BURST_PART = 6
"""A sixth of what a minute allows may come at once."""
_ADDRESSES = 1000
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Wrong:
    """An address from which a wrong token came."""

    __slots__ = ("at", "times", "waiting")

    def __init__(self) -> None:
        self.at = 0.0
        self.times = 0
        self.waiting = 0


class Guard:
    """Belongs to the thread of the API's loop."""

    def __init__(
        self,
        config: ApiConfig,
        tokens: KnownTokens,
        access: AccessLog,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        """`clock` is the wall's, `now` seconds of a monotone one."""
        self._config, self._tokens, self._access = config, tokens, access
        self._clock, self._now = clock, now
        self._wrong: OrderedDict[str, Wrong] = OrderedDict()
        self._paces: dict[tuple[str, bool], TokenBucket] = {}
        self._greeted: OrderedDict[tuple[str, str], None] = OrderedDict()
        own = (config.host, *config.names)
        self._names = {name.lower() for name in (*LOOPBACK, *own)}

    # --- by which name, from which page -----------------------------------------------------------------

    def place(self, request: web.Request) -> None:
        """A page in a browser can make its own name mean this machine, and can send requests that the person
        never asked for: both are told by what the browser says of itself. Raises ApiProblem.
        """
        name = _name_of(request.headers.get("Host", ""))
        if name not in self._names:
            raise ApiProblem(
                Code.HOST, "the API does not answer to that name", "name it in api.names of tstream.toml"
            )
        for origin in request.headers.getall("Origin", ()):
            if origin.lower() != f"{request.scheme}://{request.headers['Host']}".lower():
                raise ApiProblem(Code.ORIGIN, "a web page of another place has sent this")
        if wrong := sorted(QUERY_NAMES & {key.lower() for key in request.query}):
            raise ApiProblem(
                Code.BAD_REQUEST,
                f"a token does not belong into an address ({wrong[0]})",
                "send it as the header Authorization: Bearer TOKEN; make a new one: this has been seen",
            )

    # --- whose token ------------------------------------------------------------------------------------

    async def caller(self, request: web.Request, scope: Scope, *, open_here: bool) -> Caller | None:
        """Who asks; None where that needs no token here. Raises ApiProblem."""
        given = request.headers.getall("Authorization", [])
        if not given and open_here and self._is_here(request):
            return None
        host = request.remote or "?"
        kind, _, text = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if kind.lower() != "bearer" or not text.strip():
            raise _no_token(
                "one header Authorization: Bearer TOKEN is needed" if given else "a token is needed"
            )
        wrong = self._wrong.get(host)
        crowd = wrong is not None and wrong.waiting >= WAITING
        token = self._tokens.whose(text.strip(), chosen_too=not crowd)
        if crowd and token is None:
            raise _slower("too many wrong tokens come from this address", LONGEST_PAUSE_S)
        if token is None or token.expired(self._clock()):
            name = "" if token is None else token.name
            await self._refuse(host, request, name)
        assert token is not None
        who = Caller(token, _visitor(request, token.name, ",".join(token.scopes)))
        if not token.may(scope):
            self._access.refused(who.visitor, what_of(request), f"needs the scope {scope}")
            raise ApiProblem(
                Code.SCOPE,
                f"this token may {', '.join(token.scopes)}; this needs {scope}",
                f"make one that may: tstream token create NAME --scope {scope}",
            )
        self._pace(token.id, commands=scope is not Scope.READ)
        self._greet(who, request)
        return who

    def _is_here(self, request: web.Request) -> bool:
        """The request comes from this machine, and not by way of a proxy on it."""
        if any(name in request.headers for name in _FORWARDED):
            return False
        try:
            return ipaddress.ip_address((request.remote or "").partition("%")[0]).is_loopback
        except ValueError:
            return False

    async def _refuse(self, host: str, request: web.Request, expired: str) -> None:
        """WireAnswer late, and tell people. Raises ApiProblem."""
        now = self._now()
        wrong = self._wrong.pop(host, None)
        if wrong is None or (now - wrong.at > FORGIVEN_S and not wrong.waiting):
            wrong = Wrong()
        self._wrong[host] = wrong
        while len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)
        wrong.at, wrong.times = now, wrong.times + 1
        what = f"an expired token ({expired})" if expired else "a wrong token"
        visitor = _visitor(request, expired, "")
        self._access.refused(visitor, what_of(request), what)
        self._access.news(
            f"wrong token {host}", Severity.WARNING, f"{what} came to the API from {host}", visitor
        )
        wrong.waiting += 1
        try:
            await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(wrong.times - 1, 10)))
        finally:
            wrong.waiting -= 1
        raise _no_token("the token has expired" if expired else "the token is wrong, or was revoked")

    def _pace(self, token: str, *, commands: bool) -> None:
        """Raises ApiProblem."""
        for orders in {False, commands}:
            a_minute = self._config.orders_per_minute if orders else self._config.per_minute
            pace = self._paces.get((token, orders))
            if pace is None:
                pace = self._paces[token, orders] = TokenBucket(max(1, a_minute // BURST_PART), 60 / a_minute)
            now = self._now()
            if (wait := pace.wait_s(now)) > 0:
                kind = "commands" if orders else "requests"
                raise _slower(f"this token may send {a_minute} {kind} a minute", wait)
            pace.take(now)

    def _greet(self, who: Caller, request: web.Request) -> None:
        """The first request of a token from an address has a line in the access log."""
        key = who.token.id, who.visitor.origin
        if key not in self._greeted:
            self._greeted[key] = None
            if len(self._greeted) > _ADDRESSES:
                self._greeted.popitem(last=False)
            self._access.called(who.visitor, what_of(request), "first request")


METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def path_of(request: web.Request) -> str:
    """The path of its route, never what was sent, which may be anything; empty for a path that is none."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def what_of(request: web.Request) -> str:
    """The request in words, for logs."""
    method = request.method if request.method in METHODS else "another method"
    return f"{method} {path_of(request) or 'of an unknown path'}"


def _name_of(host: str) -> str:
    """The name in a Host header, without its port; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _visitor(request: web.Request, name: str, role: str) -> Visitor:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    address = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else request.remote or "?"
    return Visitor(door=Door.API, origin=request.remote or "?", address=address, name=name, role=role)


def _no_token(why: str) -> ApiProblem:
    return ApiProblem(
        Code.TOKEN_NEEDED,
        why,
        "tstream token create NAME --scope read makes one; send it as Authorization: Bearer TOKEN",
        {"WWW-Authenticate": "Bearer"},
    )


def _slower(why: str, wait_s: float) -> ApiProblem:
    return ApiProblem(
        Code.TOO_MANY, why, "wait, then go on more slowly", {"Retry-After": f"{int(wait_s) + 1}"}
    )
