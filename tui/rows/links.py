"""The connections: a light, a word and an age for each, in one line or as a table."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.outages import several_venues
from engine.model.view import LinkView, View
from tui import clock_times as times
from tui import number_format as figures
from tui.books import link_owner
from tui.plain_text import plain
from tui.styled_text import EMPTY, Column, Part, Row, cell, join, table, text_of, wrap

LIGHTS = {
    LinkState.LIVE: ("●", "ok"),
    LinkState.CONNECTING: ("◌", "warn"),
    LinkState.STALE: ("◐", "warn"),
    LinkState.DOWN: ("✕", "bad"),
}
"""How each state of a connection looks: shape and style."""

_WORST = (LinkState.DOWN, LinkState.STALE, LinkState.CONNECTING, LinkState.LIVE)
_SOON = 3600 * NANOS
"""A login that ends within so long should have been renewed."""
_NAME, _DETAIL = 8, 10
_ORDER = ("market", "user", "rest", "token")

_TABLE = (
    Column("link", "<", least=6),
    Column("state", "<", least=9),
    Column("for", least=4),
    Column("since", rank=4),
    Column("detail", "<", rank=1, least=20, grow=True),
)


def lasted(link: LinkView, now: int) -> str:
    """For how long it has been in its state; empty where nobody knows."""
    return figures.lasting(now - link.since) if link.since else ""


def _left(link: LinkView, now: int) -> tuple[str, str]:
    """How long until it expires, and how that looks."""
    left = link.until - now
    if left <= 0:
        return "expired", "error bold"
    return figures.lasting(left), "warn bold" if left < _SOON else "dim"


def _short(link: LinkView) -> str:
    """What a link says, if a few characters can; of a rate budget what is used of it: "5/160"."""
    if link.allowed:
        return f"{link.used}/{link.allowed}"
    said = plain(link.detail)
    return said if len(said) <= _DETAIL else ""


def _in_order(view: View) -> list[LinkView]:
    """The links as one thinks of them, whichever of them came up first."""
    return sorted(
        view.links, key=lambda link: _ORDER.index(link.name) if link.name in _ORDER else len(_ORDER)
    )


def _name(view: View, link: LinkView) -> str:
    """With the account or the venue that it belongs to where there are several."""
    return f"{link_owner(view, link)} {plain(link.name)}".strip()


def _word(link: LinkView, now: int, *, detail: bool, calm: bool, owner: str = "") -> Row:
    """ "market ● 2h", "market ◐ STALE 14s", "token ● 21h": what is well is short; `calm` has no ages."""
    light, style = LIGHTS[link.state]
    name: Row = ((f"{owner} {plain(link.name)[:_NAME]} ".lstrip(), "dim"),)
    if link.state is not LinkState.LIVE:
        age = lasted(link, now)
        # Red is for what holds trading back.
        style = style if link.needed else "warn"
        return (*name, (f"{light} {link.state.value.upper()}{f' {age}' if age else ''}", f"{style} bold"))
    found: list[tuple[str, str]] = [*name, (light, style)]
    if link.delayed:
        found.append((" DELAYED", "warn bold"))
    elif link.until:
        words, look = _left(link, now)
        found.append((f" {words}", look))
    elif detail and (said := _short(link)):
        found.append((f" {said}", "dim"))
    elif not calm and link.since:
        found.append((f" {lasted(link, now)}", "dim"))
    return tuple(found)


def _alike(links: Sequence[LinkView], now: int) -> list[list[LinkView]]:
    """Connections of the same name together, where all of them are well: of several accounts each has its
    own."""
    groups: dict[tuple[str, str], list[LinkView]] = {}
    for link in links:
        ill = any(other.name == link.name and not _well(other, now) for other in links)
        groups.setdefault((link.name, link.book if ill else ""), []).append(link)
    return list(groups.values())


def _words(view: View, alike: Sequence[LinkView], *, detail: bool, calm: bool) -> Row:
    """One connection, or how many of a name: "user ● 2h", "3 user ●", "eval-2 user ✕ DOWN 12s"."""
    if len(alike) > 1:
        return ((f"{len(alike)} {plain(alike[0].name)[:_NAME]} ", "dim"), LIGHTS[LinkState.LIVE])
    return _word(alike[0], view.ts, detail=detail, calm=calm, owner=link_owner(view, alike[0]))


def _well(link: LinkView, now: int) -> bool:
    return link.state is LinkState.LIVE and not (link.until and link.until - now < _SOON)


def _late(link: LinkView) -> bool:
    """It is well, and what it tells is late."""
    return link.delayed and link.state is LinkState.LIVE


def _urgency(link: LinkView) -> tuple[bool, int]:
    """What trading needs before the rooms, the worst first."""
    return not link.needed, _WORST.index(link.state)


def links_part(view: View) -> Part:
    """All connections, then without their ages, then only those that are not well."""
    links, now = _in_order(view), view.ts
    if not links:
        return Part(((9, cell("◌ no connection yet", "warn")), (0, cell("◌", "warn"))), right=True)
    ill = sorted((link for link in links if not _well(link, now)), key=_urgency)
    groups = _alike(links, now)

    def all_of(*, detail: bool, calm: bool, gap: str) -> Row:
        return join([*(_words(view, alike, detail=detail, calm=calm) for alike in groups)], (gap, "text"))

    if several_venues(view):
        return _venues_part(view, ill)
    # The status bar has the light of the worst link too: where it is narrow, nothing is lost here.
    end: tuple[tuple[int, Row], ...] = ((14, cell(f"● {len(links)} links", "ok")), (0, EMPTY))
    if ill:
        few = [_words(view, [link], detail=False, calm=True) for link in ill]
        end = ((14, join(few, ("  ", "text"))), (5, few[0]), (0, EMPTY))
    return Part(
        (
            (40, all_of(detail=True, calm=False, gap="   ")),
            (35, all_of(detail=False, calm=False, gap="  ")),
            (27, all_of(detail=False, calm=True, gap=" ")),
            *end,
        ),
        right=True,
    )


def _venues_part(view: View, ill: list[LinkView]) -> Part:
    """Of several venues a light each, and every connection that is not well."""
    venues = list(dict.fromkeys(link.venue for link in view.links if link.venue))
    bad = [_words(view, [link], detail=False, calm=True) for link in ill]
    well = [v for v in venues if not any(link.venue == v for link in ill)]
    lights: list[Row] = [((f"{plain(venue)} ", "dim"), ("●", "ok")) for venue in well]
    if not ill:
        return Part(
            ((27, join(lights, ("  ", "text"))), (14, cell(f"● {len(venues)} venues", "ok")), (0, EMPTY)),
            right=True,
        )
    return Part(
        (
            (40, join([*bad, *lights], ("  ", "text"))),
            (14, join(bad, ("  ", "text"))),
            (5, bad[0]),
            (0, EMPTY),
        ),
        right=True,
    )


def _said(view: View, link: LinkView) -> Row:
    """When it expires, where it does, and what it says."""
    detail: Row = cell(plain(link.detail), "dim") if link.detail else EMPTY
    if not link.until:
        return detail
    words, style = _left(link, view.ts)
    end: Row = ((f"ends {times.when(link.until, view.ts, view.told_in)} ", "text"), (f"({words})", style))
    return join([end if link.until > view.ts else cell(words, style), detail], (" · ", "faint"))


def link_rows(view: View, width: int) -> list[Row]:
    """A table of all connections: state, for how long and since when, when they end, what they say."""
    if not view.links:
        return [cell("no connection yet", "faint")]
    found = []
    for link in _in_order(view):
        light, style = LIGHTS[link.state]
        style = "warn" if style == "bad" and not link.needed else style
        bold = "" if link.state is LinkState.LIVE else " bold"
        found.append(
            (
                cell(_name(view, link)),
                cell(f"{light} {'delayed' if _late(link) else link.state.value}", style + bold),
                cell(lasted(link, view.ts) or figures.NONE, "dim"),
                cell(times.clock(link.since, view.told_in) if link.since else figures.NONE, "dim"),
                _said(view, link),
            )
        )
    head, body = table(_TABLE, found, width)
    _, bare = table(_TABLE, [(*told[:-1], EMPTY) for told in found], width)
    rows = [head]
    for row, without, told in zip(body, bare, found, strict=True):
        said = text_of(told[-1])
        if said in text_of(row):
            rows.append(row)
        else:  # it is told whole: below, where there is no room beside
            rows += [without, *(cell(f"  {line}", "dim") for line in wrap(said, width - 2))]
    return rows
