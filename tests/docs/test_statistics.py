"""docs/statistics.md defines every figure, and its commands are the program's."""

from __future__ import annotations

import re
import shlex

from engine.portfolio.statistics import Statistics
from tests.docs.pages import DOCS, section, tables
from tests.docs.test_readme import ALL
from tstream.reports.kinds import ReportType

PAGE = DOCS / "statistics.md"
COUNTS = {
    "trades",
    "wins",
    "losses",
    "net_usd",
    "costs_usd",
    "best_usd",
    "worst_usd",
    "r_trades",
    "drawdown_at_mark",
    "days",
    "winning_days",
}
"""What needs no formula."""


def test_every_figure_has_its_formula() -> None:
    rows = [row for name in ("Trades", "Equity") for row in tables(section(PAGE, name))[0]]
    defined = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert defined == set(Statistics.__struct_fields__) - COUNTS


def test_every_kind_of_report_is_told() -> None:
    (table,) = tables(section(PAGE, "Reports"))
    assert {name for row in table for name in re.findall(r"`(\w+)`", row[0])} == set(ReportType)


def test_the_commands_of_the_table_exist_with_their_options() -> None:
    (table,) = tables(section(PAGE, "Where other tools' scripts went"))
    lines = [line for row in table for line in re.findall(r"`(tstream[^`]*)`", row[1])]
    assert len(lines) > 10
    for line in lines:
        words = shlex.split(line)
        named = [name for name in ALL if words[: len(name.split())] == name.split()]
        command = max(named, key=len)
        known = {option for parameter in ALL[command].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
        assert command == "tstream" if words == ["tstream"] else command != "tstream", line
