"""Choose a contract, or the book that commands mean, from a list."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.model.view import ContractView, View
from tui import number_format as figures
from tui.books import ordered_books
from tui.plain_text import plain
from tui.rows.books import book_state
from tui.rows.shared import mode_badge, stage_badge
from tui.styled_text import cell, fit
from tui.theme_styles import ThemeStyles


class ContractPicker(ModalScreen[str | None]):
    """Dismissed with the instrument, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,q", "leave", show=False),
        *(Binding(str(n), f"take({n - 1})", show=False) for n in range(1, 10)),
    ]

    def __init__(self, view: View, shown: str, theme_styles: ThemeStyles) -> None:
        super().__init__()
        self._contracts = view.contracts
        self._shown = shown
        self._theme_styles = theme_styles

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Contract"
            card.border_subtitle = "1-9 or ⏎ show · esc back"
            yield OptionList(*(Option(self._line(i, c)) for i, c in enumerate(self._contracts, 1)))

    def _line(self, number: int, contract: ContractView) -> Text:
        sign = contract.change or 0
        tone = self._theme_styles.style("stale" if contract.stale else figures.trend(sign)).color
        price = figures.price(contract.last, contract.decimals)
        change = figures.signed(contract.change, contract.decimals)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f"{number} ", "dim")
        text.append(f"{plain(contract.name):<7}", "bold")
        text.append(f"{price:>10} ")
        text.append(f"{figures.arrow(sign)} {change:<8}", f"{tone.name}" if tone is not None else "")
        text.append(f" {plain(contract.description)}", "dim")
        return text

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        names = [contract.instrument for contract in self._contracts]
        options.highlighted = names.index(self._shown) if self._shown in names else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_take(event.option_index)

    def action_take(self, index: int) -> None:
        if index < len(self._contracts):
            self.dismiss(self._contracts[index].instrument)

    def action_leave(self) -> None:
        self.dismiss(None)


class BookPicker(ModalScreen[str | None]):
    """Dismissed with the book that commands mean from now on, "" for all; or None: it stays."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,w,q", "leave", show=False),
        *(Binding(str(n), f"take({n})", show=False) for n in range(10)),
    ]

    def __init__(self, view: View, picked: str, theme_styles: ThemeStyles) -> None:
        super().__init__()
        self._view = view
        self._names = ["", *(book.book for book in ordered_books(view))]
        self._picked = picked
        self._theme_styles = theme_styles

    def compose(self) -> ComposeResult:
        with Vertical(classes="card") as card:
            card.border_title = "Which book do commands mean?"
            card.border_subtitle = "0-9 or ⏎ pick · esc back"
            yield OptionList(
                Option(self._all()), *(Option(self._line(n)) for n in range(1, len(self._names)))
            )

    def _all(self) -> Text:
        text = Text("0 ", "dim", no_wrap=True, overflow="ellipsis")
        return text.append(f"all {len(self._names) - 1} books", "bold")

    def _line(self, number: int) -> Text:
        book = next(known for known in self._view.books if known.book == self._names[number])
        text = Text(f"{number} ", "dim", no_wrap=True, overflow="ellipsis")
        spans = (
            *fit(cell(figures.shortened(plain(book.book), 13), "text bold"), 14),
            *fit((*mode_badge(book.kind), *stage_badge([book])), 15),
        )
        amount = (f"{figures.signed(book.day_usd):>11} ", figures.tone(book.day_usd))
        for words, style in (*spans, amount, *book_state(self._view, book)):
            look = self._theme_styles.style(style)
            text.append(words, look if "on:" in style else Style(color=look.color, bold=look.bold))
        return text

    def on_mount(self) -> None:
        options = self.query_one(OptionList)
        options.highlighted = self._names.index(self._picked) if self._picked in self._names else 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_take(event.option_index)

    def action_take(self, index: int) -> None:
        if index < len(self._names):
            self.dismiss(self._names[index])

    def action_leave(self) -> None:
        self.dismiss(None)
