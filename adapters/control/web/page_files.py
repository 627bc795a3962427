"""The files of the page: read once, served as they are, with headers that let it reach nobody else."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from aiohttp import web
from msgspec import Struct

_HERE = Path(__file__).parent
_TYPES = {".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".svg": "image/svg+xml"}
SERVED = (
    "page/page.css",
    "page/page.js",
    "page/icon.svg",
    "xterm/xterm.css",
    "xterm/xterm.mjs",
    "xterm/addon-fit.mjs",
)

_ALWAYS = {
    "Server": "tstream",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all browsers call the origin of a form "null"
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'self'{nonce}; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


class PageFile(Struct, frozen=True):
    body: bytes
    type: str
    tag: str
    """Changes with the content."""


def read_files() -> dict[str, PageFile]:
    """By the path under which each is served."""
    found = {}
    for name in SERVED:
        body = (_HERE / name).read_bytes()
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        found[name] = PageFile(body, _TYPES[Path(name).suffix], tag)
    return found


def answer_file(file: PageFile, request: web.Request) -> web.Response:
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == file.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.body, content_type=file.type, charset="utf-8", headers=headers)


def terminal_page(*, login: bool) -> web.Response:
    """The page of a tab. xterm.js makes style sheets while it runs: these carry the number of this answer."""
    nonce = secrets.token_urlsafe(16)
    return _page("terminal.html", nonce, {"NONCE": nonce, "LOGOUT": "" if login else "hidden"})


def login_page(told: str = "", status: int = 200) -> web.Response:
    """`told` is ours: why the last try was in vain."""
    return _page("login.html", "", {"TOLD": told}, status)


def _page(name: str, nonce: str, words: dict[str, str], status: int = 200) -> web.Response:
    text = (_HERE / "page" / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"{{{{{word}}}}}", value)
    policy = _POLICY.format(nonce=f" 'nonce-{nonce}'" if nonce else "")
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)


def add_headers(response: web.StreamResponse, *, encrypted: bool) -> None:
    """What every answer carries."""
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=""))
    if encrypted:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
