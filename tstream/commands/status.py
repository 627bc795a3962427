"""tstream status: the running engine's View, for people and for scripts."""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from adapters.common.redaction import printable
from adapters.control.client import fetch_view
from engine.model.alerts import Verdict
from engine.model.events import LinkState
from engine.model.market import NANOS
from engine.model.orders import AccountKind
from engine.model.quantities import quantity
from engine.model.rates import USD
from engine.model.restrictions import RestrictionView
from engine.model.sums import together
from engine.model.view import AlertView, Band, BookView, ContractView, FlattenView, SessionView, View
from engine.model.view_standing import StandingWord
from tstream import paths
from tstream.commands import bots
from tui import clock_times as times
from tui import number_format as figures
from tui.books import by_venue, link_owner, of_book, venue_groups
from tui.plain_text import plain
from tui.rows import limits, room_messages
from tui.rows.state import state_words
from tui.view_facts import kind_of, lot_of, standing, state_word


def status() -> int:
    """Print what the running engine sees; gives the exit code. Raises PortError."""
    view = by_venue(fetch_view(paths.find().control_socket))
    # Cells of tables are strings, and may hold words from outside: none of them is markup.
    console = Console(highlight=False, markup=False)
    for part in picture(view):
        console.print(part)
    return 0


def picture(view: View) -> list[RenderableType]:
    """The View as tables, empty ones left out."""
    parts: list[RenderableType] = [_headline(view)]
    if not view.health.ok:
        parts.append(Text(printable(f"  not healthy: {view.health.detail}"), style="bold red"))
    for book in view.books:
        parts += _book(view, book)
    parts += _together(view)
    parts += [_held_back(view, one) for one in view.restrictions]
    if any(book.limits for book in view.books):
        parts.append(_limits(view))
    if view.links:
        parts.append(_links(view))
    parts.append(_contracts(view, view.contracts))
    if view.positions:
        parts.append(_positions(view))
    if view.orders:
        parts.append(_orders(view))
    if view.bots:
        parts.append(bots.table(view))
    if view.alerts:
        parts.append(_alerts(view))
    oddities = ", ".join(f"{count} {printable(name)}" for name, count in view.health.counts.items() if count)
    if oddities:
        parts.append(Text(f"oddities survived: {oddities}", style="dim"))
    return parts


def _headline(view: View) -> Text:
    lines = [
        f"  {of}{one.phase} {one.exchange_clock} {_clock(view, one)}  trade date {one.trade_date}"
        + (f"  flat by {one.flat_by}" if one.flat_by else "")
        for of, one in ([(f"{name}: ", one) for name, one in view.sessions.items()] or [("", view.session)])
    ]
    return Text.assemble(
        (f" {view.mode.upper()} ", "reverse bold"), "\n".join([f" {printable(view.venue)}", *lines])
    )


def _clock(view: View, session: SessionView) -> str:
    if view.practice_time:
        return "practice time"
    return "Chicago" if session.zone == "America/Chicago" else session.clock_mark


def _book(view: View, book: BookView) -> list[Text]:
    verified = "" if book.reconciled else "  not yet verified with the venue"
    brackets = "" if book.brackets else "  own OCO (no native brackets)"
    text = Text(f"{printable(book.book)} · {printable(book.account)}  day ")
    text.append(f"{_signed(book.day_usd)} {book.currency}", _color(book.day_usd))
    text.append(verified + brackets, "yellow")
    if book.preset:
        text.append(f"  limits of {printable(book.preset)}", "dim")
    text.append(
        f"\n  realized {_signed(book.realized_usd)}  open {_signed(book.open_usd)}  "
        f"costs {book.costs_usd:.2f}  trades {book.trades}, won {book.wins}"
    )
    named = (("used", book.margin.used_usd), ("available", book.margin.available_usd))
    margin = [f"{name} {figures.usd(usd)}" for name, usd in named if usd is not None]
    text.append(f"\n  margin {'  '.join(margin)}" if margin else "")
    text.append(f"\n  dust {'; '.join(map(printable, book.dust))}" if book.dust else "", "dim")
    lines = [text, _state(view, book)]
    if book.flatten is not None:
        lines.append(_flatten(view, book, book.flatten))
    return lines


def _together(view: View) -> list[Text]:
    """Sums over the books of one kind and currency, where there are several; of several currencies by rates
    that are told. Kinds are never added.
    """
    lines = []
    for kind, currency in dict.fromkeys((book.kind, book.currency) for book in view.books):
        books = [book for book in view.books if (book.kind, book.currency) == (kind, currency)]
        if len(books) < 2:
            continue
        day = sum((book.day_usd for book in books), Decimal(0))
        realized, opened = (sum(amounts, Decimal(0)) for amounts in zip(*map(_parts, books), strict=True))
        text = Text(f"{len(books)} {kind} books together  day ")
        text.append(f"{_signed(day)} {currency}", _color(day))
        text.append(f"  realized {_signed(realized)}  open {_signed(opened)}")
        lines.append(text)
    for kind, one in together(view).items():
        text = Text(f"all {kind} money together  ")
        if one.usd is not None:
            text.append(f"day {_signed(one.usd)} {USD}  ", _color(one.usd))
        stale = any(rate.stale for rate in one.rates)
        lines.append(text.append(printable(one.words), "yellow" if one.missing or stale else "dim"))
    return lines


def _parts(book: BookView) -> tuple[Decimal, Decimal]:
    return book.realized_usd, book.open_usd


def _flatten(view: View, book: BookView, flatten: FlattenView) -> Text:
    """Since when, how many contracts, what holds it up, and what is still held."""
    since = f" for {figures.lasting(view.ts - flatten.since)}" if flatten.since else ""
    alarm = f": {printable(flatten.alarm)}" if flatten.alarm else ""
    held = [
        f"{position.instrument} {quantity(view, position.instrument, position.qty, signed=True)}"
        for position in view.positions
        if position.book == book.book and position.instrument in flatten.instruments
    ]
    left = f"  still open: {', '.join(held)}" if held else ""
    words = f"  FLATTENING{since}  {len(flatten.instruments)} not yet proven flat{alarm}{left}"
    return Text(words, "bold red" if alarm else "bold yellow")


def _state(view: View, book: BookView) -> Text:
    """What can happen now, in the screen's words, with the reason, and when a lock ends."""
    at = book.standing or standing(of_book(view, book.book))
    words = state_words(view, at).line()
    strict = at.word in (StandingWord.LOCKED, StandingWord.HALTED, StandingWord.FLATTENING)
    active = at.word is StandingWord.ACTIVE
    return Text(f"  {printable(words)}", "green" if active else "bold red" if strict else "yellow")


def _held(view: View, held: RestrictionView) -> str:
    words = f"{held.word}  {printable(held.why)}".rstrip()
    if held.until is None:
        return words
    left = figures.duration(held.until - view.ts)
    return f"{words}  unlocks {times.when(held.until, view.ts, view.told_in)} {view.told_mark} (in {left})"


def _held_back(view: View, one: RestrictionView) -> Text:
    """What refuses entries, where, why, until when."""
    where = " ".join(filter(None, (one.book if len(view.books) > 1 else "", one.instrument))) or "everything"
    return Text(f"  held back: {printable(where)}: {_held(view, one)}", "yellow")


_BANDS = {Band.CLEAR: "", Band.WARN: "yellow", Band.REDUCE: "red", Band.ACT: "bold red"}


def _limits(view: View) -> Table:
    table = _table("limit", "of", "used/limit", "unit", "used", "left", "band", left=(0, 1, 3, 6))
    for book in view.books:
        for limit in book.limits:
            table.add_row(
                printable(limit.name),
                printable(book.book),
                limits.used_of(limit),
                printable(limit.unit),
                limits.percent(limit),
                limits.left_of(limit),
                Text(limits.BAND_WORDS[limit.band] or "clear", _BANDS[limit.band]),
            )
    return table


_LINKS = {LinkState.LIVE: "green", LinkState.CONNECTING: "yellow", LinkState.STALE: "yellow"}


def _links(view: View) -> Table:
    table = _table("link", "state", "for", "since", "until", "detail", left=(0, 1, 5))
    for link in view.links:
        table.add_row(
            f"{link_owner(view, link)} {printable(link.name)}".strip(),
            Text(f"{link.state}", _LINKS.get(link.state, "bold red")),
            figures.lasting(view.ts - link.since) if link.since else "-",
            times.clock(link.since, view.told_in) if link.since else "-",
            _until(view, link.until),
            printable(link.detail),
        )
    return table


def _until(view: View, until: int) -> Text:
    if not until:
        return Text("-")
    if until <= view.ts:
        return Text("expired", "bold red")
    return Text(f"{times.when(until, view.ts, view.told_in)} (in {figures.duration(until - view.ts)})")


def _contracts(view: View, contracts: tuple[ContractView, ...]) -> Table:
    table = _table("contract", "bid", "ask", "last", "change", "age", "position", "state", left=(0, 7))
    venues = {own[0].instrument: venue for venue, own in venue_groups(view) if venue}
    for contract in contracts:
        if contract.instrument in venues:
            table.add_row(Text(f"from {printable(venues[contract.instrument])}", "dim"))
        age = "-" if contract.age_ns is None else f"{contract.age_ns / NANOS:.1f}s"
        prices = (_price(p, contract.decimals) for p in (contract.bid, contract.ask, contract.last))
        change = "-" if contract.change is None else f"{contract.change:+.{contract.decimals}f}"
        table.add_row(
            printable(contract.name),
            *prices,
            Text(change, _color(contract.change)),
            Text(f"{age} stale" if contract.stale else age, "yellow" if contract.stale else ""),
            quantity(view, contract.instrument, contract.position_qty, signed=True)
            if contract.position_qty
            else "flat",
            state_word(contract),
        )
    return table


def _positions(view: View) -> Table:
    table = _table("position", "contract", "qty", "entry", "mark", "open", "stop", "targets", left=(0, 1))
    decimals = {contract.instrument: contract.decimals for contract in view.contracts}
    units = {contract.instrument: contract.currency for contract in view.contracts}
    for position in view.positions:
        digits = decimals.get(position.instrument, 2)
        table.add_row(
            printable(position.book),
            position.contract or position.instrument,
            quantity(view, position.instrument, position.qty, signed=True),
            _price(position.entry, digits),
            _price(position.mark, digits),
            Text(
                f"{_signed(position.open_usd)} {units.get(position.instrument, USD)}",
                _color(position.open_usd),
            ),
            "none" if position.stop is None else _price(position.stop, digits),
            " ".join(_price(target, digits) for target in position.targets) or "none",
        )
    return table


def _orders(view: View) -> Table:
    table = _table(
        "order", "contract", "side", "qty", "type", "price", "for", "status", left=(0, 1, 2, 4, 6, 7)
    )
    for order in view.orders:
        filled, qty = (quantity(view, order.instrument, lots) for lots in (order.filled_qty, order.qty))
        table.add_row(
            printable(order.book),
            order.instrument,
            f"{order.side}",
            f"{filled}/{qty}" if order.filled_qty else qty,
            f"{order.type}",
            "-" if order.price is None else f"{order.price}",
            f"{order.slot}",
            f"{order.status} (waits)" if order.suspended else f"{order.status}",
        )
    return table


ALERTS_SHOWN = 8
_VERDICTS = {
    Verdict.TRADED: "green",
    Verdict.UNREAD: "yellow",
    Verdict.REFUSED: "bold yellow",
    Verdict.CANCELLED: "yellow",
    Verdict.IGNORED: "dim",
}


def _alerts(view: View) -> Table:
    """The newest messages of alert rooms, the last one first."""
    table = _table("room", "at", "verdict", "alert", "came of it", "order after", left=(0, 1, 2, 3, 4))
    for alert in view.alerts[: -ALERTS_SHOWN - 1 : -1]:
        verdict = room_messages.verdict_of(view, alert)
        money = _word(view, room_messages.kind_of_all(view, alert))
        words = " ".join(part for part in (money, f"{verdict}", room_messages.revision(alert)) if part)
        sent, _ = room_messages.times_of(view, alert)
        late = sent is not None and not 0 <= sent <= room_messages.AIM_NS
        table.add_row(
            plain(alert.room),
            f"{times.when(alert.ts, view.ts, view.told_in)}:{times.clock(alert.ts, view.told_in)[-2:]}",
            Text(words, _VERDICTS.get(verdict, "")),
            _said(alert),
            _came_of(view, alert),
            Text("-" if sent is None else room_messages.latency_text(sent), "yellow" if late else ""),
        )
    return table


def _said(alert: AlertView) -> str:
    """What it says in our words, or how it begins where nothing was made of it."""
    ours = " ".join(
        part
        for part in (room_messages.contract_text(alert), room_messages.terms_text(alert, targets=False))
        if part
    )
    return ours or room_messages.quoted(alert) or "-"


def _came_of(view: View, alert: AlertView) -> str:
    """The reason why nothing came of it, or what became of it in each book, a line for each."""
    parts = [room_messages.why(alert)] if alert.text else []
    for fate in alert.fates:
        kind = kind_of(view, fate.book)
        name = "" if kind is not view.mode and fate.book == kind.value else plain(fate.book)
        words = (
            _word(view, kind),
            name,
            plain(room_messages.fate_text(alert, fate, lot_of(view, alert.instrument))),
        )
        parts.append(" ".join(part for part in words if part))
    return "\n".join(parts) or "-"


def _word(view: View, kind: AccountKind) -> str:
    """What stands before whatever is not of the headline's money."""
    return "" if kind is view.mode else kind.upper()


def _table(*names: str, left: tuple[int, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, name in enumerate(names):
        table.add_column(name, justify="left" if i in left else "right")
    return table


def _price(price: Decimal | None, decimals: int) -> str:
    return "-" if price is None else f"{price:.{decimals}f}"


def _signed(usd: Decimal) -> str:
    return f"{usd:+.2f}"


def _color(amount: Decimal | None) -> str:
    return "" if not amount else "green" if amount > 0 else "red"
