"""tstream token create, list and revoke: the tokens of the REST API."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime

import msgspec

from adapters.control.tokens import Scope, Token, TokenFile
from engine.model.market import NANOS
from tstream import paths as places
from tstream.clock import wall_ns
from tstream.commands.told import tell_of_keys
from tstream.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
_DAY = 24 * 3600 * NANOS


def create(name: str, scope: Scope, days: int | None) -> int:
    """Make a token and show it; the exit code. Raises PortError, UsageError."""
    if not _NAME.fullmatch(name) or name == "API_TOKEN":
        raise UsageError(f'"{name[:60]}" is no name: 1 to 40 letters, digits, ".", "_" or "-"')
    paths = places.find()
    paths.create()
    now = wall_ns()
    made, text = TokenFile(paths.api_tokens).create(
        name, [scope], now, 0 if days is None else now + days * _DAY
    )
    sys.stdout.write(f"{text}\n")
    sys.stderr.write(
        f"{made.name} may {', '.join(made.scopes)}{_until(made, now)}. It is shown this once: keep it, "
        "and send it as Authorization: Bearer TOKEN\n"
    )
    tell_of_keys(f"a token of the API was made: {made.name} may {', '.join(made.scopes)}")
    return 0


def list_tokens(*, as_json: bool) -> int:
    """Show the tokens, never their secret; the exit code. Raises PortError."""
    found, now = TokenFile(places.find().api_tokens).read(), wall_ns()
    if as_json:
        rows = [
            {
                "id": one.id,
                "name": one.name,
                "scopes": list(one.scopes),
                "created": _day(one.created),
                "expires": _day(one.expires) if one.expires else None,
                "expired": one.expired(now),
            }
            for one in found
        ]
        sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
        return 0
    if not found:
        sys.stdout.write("there is no token: tstream token create NAME --scope read\n")
    for one in found:
        scopes = ",".join(one.scopes)
        sys.stdout.write(
            f"{one.name:20} {scopes:16} made {_day(one.created)}{_until(one, now)}  id {one.id}\n"
        )
    return 0


def revoke(name: str) -> int:
    """End a token; the exit code. Raises PortError."""
    gone = TokenFile(places.find().api_tokens).revoke(name)
    sys.stdout.write(f"{gone.name} counts no more\n")
    tell_of_keys(f"a token of the API was revoked: {gone.name}")
    return 0


def _until(token: Token, now: int) -> str:
    if not token.expires:
        return ""
    return f", {'expired' if token.expired(now) else 'until'} {_day(token.expires)}"


def _day(ts: int) -> str:
    return datetime.fromtimestamp(ts // NANOS, UTC).strftime("%Y-%m-%d")
