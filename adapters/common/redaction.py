"""Takes secrets and control characters out of text before anybody can read it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "[redacted]"

_SHORTEST = 4
"""A shorter value would blot out ordinary words."""
_SHORTEST_PACKED = 8
"""The same for what is in base64, where a few of its characters are lost at both ends."""

_NAMES = r"access_token|api[_-]?key|new_?token|token|passw(?:or)?d|secret|authorization|verify_?key"
_PATTERNS = (
    # JSON and repr: "apiKey": "…", 'token': '…', with the quotes escaped or not
    (
        re.compile(rf"""(\\?["'](?:{_NAMES})\\?["']\s*:\s*\\?["'])((?:(?!\\?["']).)+)""", re.IGNORECASE),
        r"\1" + MASK,
    ),
    # query strings and key=value: access_token=…, api_key=…
    (
        re.compile(rf"""\b((?:{_NAMES})\s*=\s*["']?)(?!\[redacted)[^\s&"',;)>\]]+""", re.IGNORECASE),
        r"\1" + MASK,
    ),
    # Authorization: Bearer …
    (re.compile(r"\b(Bearer\s+)(?!\[redacted)[^\s\"',;]+", re.IGNORECASE), r"\1" + MASK),
    # Authorization: Basic …, not the word in a sentence
    (re.compile(r"\b([Bb]asic\s+)(?=[a-z/_-]*[A-Z0-9+=])[\w+/-]{6,}=*"), r"\1" + MASK),
    # a token of our own REST API
    (re.compile(r"\bts_[0-9a-f]{8}_[\w-]+"), MASK),
    # a JSON web token, wherever it stands, also one that was cut off
    (re.compile(r"\beyJ[\w-]*\.[\w-]*\.?[\w-]*"), MASK),
)

LONGEST = 300
"""Characters that `scrub` leaves of a text."""

_HEX = re.compile("%[0-9A-F]{2}")
_URL_SAFE = str.maketrans("+/", "-_")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Redactor:
    """Knows the secret values of this run, in the forms in which they turn up, and what secrets look like."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn one more secret (a token got at login)."""
        if len(secret) < _SHORTEST:
            return
        self._known.add(secret)
        self._pattern = _any_of(self._known)

    def __call__(self, text: str) -> str:
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} known)"


def _any_of(secrets: Iterable[str]) -> re.Pattern[str]:
    """Matches each secret in all its forms; the longest first."""
    forms = {form for secret in secrets for form in _forms(secret)}
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, in addresses, in JSON (also in JSON within JSON), in a repr, and in base64."""
    yield secret
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield quoted
        yield _HEX.sub(lambda code: code[0].lower(), quoted)
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield from (escaped, escaped.replace("/", "\\/"), json.dumps(escaped)[1:-1])
    yield repr(secret)[1:-1]
    raw = secret.encode(errors="surrogatepass")
    if len(raw) >= _SHORTEST_PACKED:
        # Four characters stand for three bytes there: what a secret looks like depends on what is before it.
        for before in range(3):
            packed = base64.b64encode(b"\0" * before + raw)
            middle = packed[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3].decode()
            yield from (middle, middle.translate(_URL_SAFE))


def printable(text: str) -> str:
    """Text from outside with its control characters spelt out, so that it can't drive a terminal."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


REDACT = Redactor()
"""This process's: whoever reads a secret tells it."""


def scrub(text: object, *secrets: str) -> str:
    """A foreign text (of a library, a venue) as one line for a log, an error or a message.

    Without the given secrets, however short, and without what `REDACT` takes out; control characters become
    spaces; at most LONGEST characters.
    """
    clean = str(text)
    if given := [secret for secret in secrets if secret]:
        clean = _any_of(given).sub(MASK, clean)
    clean = "".join(c if c.isprintable() else " " for c in REDACT(clean))
    return clean if len(clean) <= LONGEST else clean[:LONGEST] + "…"
