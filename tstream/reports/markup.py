"""HTML and SVG as text, safe by the way it is made: whatever is not markup is escaped."""

from __future__ import annotations

from html import escape

from adapters.common.redaction import printable


class Markup(str):
    """Text that may stand in a page as it is. Only this module and literals make it."""

    __slots__ = ()


Part = Markup | str


def tag(name: str, *inside: Part, **attributes: str | float | None) -> Markup:
    """An element. Attributes are named as in the page, with "_" for "-" and a "_" behind Python's own words;
    those that are None are left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{joined(*inside)}</{name}>")


def joined(*parts: Part) -> Markup:
    """Parts one after the other; plain text is escaped, its control characters are spelt out."""
    return Markup("".join(p if isinstance(p, Markup) else escape(printable(p)) for p in parts))


def _number(value: str | float) -> str:
    """Coordinates with one digit behind the point: a page of a thousand points stays small."""
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
