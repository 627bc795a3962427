"""Choose a contract from a list."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from engine.model.view import ContractView, View
from tui import number_format as figures
from tui.plain_text import plain
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
