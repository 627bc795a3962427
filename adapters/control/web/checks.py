"""What every request has to be: for this host, from this page; and on loopback, of this user."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Collection
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from adapters.common.secret import LOOPBACK

_TABLES = {4: "/proc/net/tcp", 6: "/proc/net/tcp6"}


def wrong_host(host: str, names: Collection[str]) -> bool:
    """Whether a Host header is none of ours. A page elsewhere may point a name of its own at this machine,
    but no address: those are always taken.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return True
    return name not in LOOPBACK and name not in names and not _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def wrong_origin(origin: str | None, host: str, *, encrypted: bool) -> bool:
    """Whether what asks is another page than ours. Browsers name the page with every websocket and form."""
    return origin != f"{'https' if encrypted else 'http'}://{host}"


def others(request: web.Request) -> str:
    """Why whoever is at the other end of a connection over loopback is not let in without a password; empty
    for this user. Everybody on a machine may connect to its loopback.
    """
    transport = request.transport
    peer = None if transport is None else transport.get_extra_info("peername")
    own = None if transport is None else transport.get_extra_info("sockname")
    if not sys.platform.startswith("linux"):
        return "whose browser it is can't be told on this system: set web.password (TSTREAM_WEB_PASSWORD)"
    found = None if peer is None or own is None else owner_of(peer[:2], own[:2])
    if found == os.getuid():
        return ""
    return "it is another user's browser, or behind a proxy: set web.password (TSTREAM_WEB_PASSWORD)"


def owner_of(peer: tuple[str, int], own: tuple[str, int]) -> int | None:
    """The user of the socket at the other end of a connection on this machine; None where there is none."""
    wanted = (_as_listed(peer), _as_listed(own))
    version = ipaddress.ip_address(peer[0]).version
    try:
        lines = Path(_TABLES[version]).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        parts = line.split()
        if len(parts) > 7 and (parts[1], parts[2]) == wanted:
            return int(parts[7])
    return None


def _as_listed(address: tuple[str, int]) -> str:
    """ "0100007F:1F90": each four bytes in the machine's order."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host)
    words = (packed[n : n + 4] for n in range(0, len(packed), 4))
    order = words if sys.byteorder == "big" else (word[::-1] for word in words)
    return f"{b''.join(order).hex().upper()}:{port:04X}"
