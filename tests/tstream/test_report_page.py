"""The page of a report: safe, of one file, and its pictures are of the figures beside them."""

from __future__ import annotations

import re
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.market.calendars.known import ALWAYS, CME
from engine.model.instrument import CME_FUTURES
from engine.model.market import MINUTE, NANOS, Side
from engine.portfolio.daily import Day, Equity, days_of
from engine.portfolio.statistics import closed_equity, statistics
from engine.state.position import Trade
from tstream.reports.charts import _COLUMNS, _thinned, equity_chart, r_histogram, result_map
from tstream.reports.markup import Markup, tag
from tstream.reports.numbers import compact, lasted, level, money
from tstream.reports.page import PagePart, html_report
from tstream.reports.scales import Axis, round_steps, time_steps

MONDAY = 1_772_409_600 * NANOS
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def trade(net: str, at: int, risk: str | None = "50", reason: str = "T1") -> Trade:
    gross = Decimal(net) + 1
    return Trade(
        "MNQ", Side.BUY, 2, 160_001, 160_101, gross, Decimal(1), at - HOUR, at, reason,
        min(Decimal(0), gross), max(Decimal(0), gross), None if risk is None else Decimal(risk), "p1",
    )  # fmt: skip


TRADES = [trade(net, MONDAY + n * DAY + 15 * HOUR) for n, net in enumerate(("100", "-50", "-30", "60", "20"))]


def part(trades: list[Trade], equity: Equity = (), title: str = "paper") -> PagePart:
    found = statistics(trades, equity, Decimal(1000), CME)
    return PagePart(
        title, "PAPER", "USD", CME, trades, equity, Decimal(1000), found, CME_FUTURES, None, {"p1": title}
    )


class Elements(HTMLParser):
    """What elements there are, and with which attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.names.append(name)
        self.attributes += attributes


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    found = Elements(html_report("Week", "to Friday", [part(TRADES)]))
    assert not {"script", "link", "img", "iframe", "image", "use", "a", "object"} & set(found.names)
    names = {name for name, _ in found.attributes}
    assert not {"src", "href", "xlink:href", "style"} & names
    assert not [name for name in names if name.startswith("on")]
    assert found.names.count("svg") == 3 + len(TRADES)
    assert "url(" not in html_report("", "", [part(TRADES)])


def test_text_from_outside_stays_text() -> None:
    hostile = '"><script>alert(1)</script>\x1b[2J&amp;'
    ours = Elements(html_report("t", "s", [part([replace(TRADES[0], reason="x")], title="x")]))
    page = html_report(hostile, hostile, [part([replace(TRADES[0], reason=hostile)], title=hostile)])
    assert Elements(page).names == ours.names
    assert "\x1b" not in page
    assert page.count("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_every_picture_is_well_formed() -> None:
    page = html_report("Week", "", [part(TRADES)])
    for svg in re.findall(r"<svg.*?</svg>", page):
        ElementTree.fromstring(svg)


def test_figures_and_trades_stand_on_it() -> None:
    page = html_report("Week", "", [part(TRADES)])
    for text in ("+100.00", "60.0 %", "2026-03-02 09:00", "20000.125", "+2.00 R", "closed trades only"):
        assert text in page, text
    many = html_report("", "", [part([trade("1", MONDAY + n * MINUTE) for n in range(1200)])])
    assert "The newest 1,000 of 1,200 trades" in many
    assert "There are no trades." in html_report("Week", "", [])
    assert "<svg" not in html_report("Week", "", [part([])])


def titles(svg: Markup) -> list[str]:
    return re.findall(r"<title>(.*?)</title>", svg)


@given(st.lists(st.integers(-300, 400), min_size=1, max_size=60), st.booleans())
def test_every_trade_is_in_one_bar(nets: list[int], risked: bool) -> None:
    trades = [trade(str(net), MONDAY + n * HOUR, "50" if risked else None) for n, net in enumerate(nets)]
    bars = [title.rsplit(": ", 1)[1].split()[0] for title in titles(r_histogram(trades))]
    assert sum(map(int, bars)) == len(trades)


def test_results_by_day_and_by_month_are_those_of_the_days() -> None:
    days = days_of(closed_equity(TRADES, Decimal(0)), Decimal(0), CME)
    assert titles(result_map(days))[:2] == ["Mon 02 Mar 2026: +100.00", "Tue 03 Mar 2026: −50.00"]
    equity = [(MONDAY + n * DAY, Decimal(n)) for n in range(400)]
    told = titles(result_map(days_of(equity, Decimal(0), ALWAYS)))
    assert told[0] == "March 2026: +29.00"  # to the 31st, from 0
    years = dict(one.split(": ") for one in told if one[:2] == "20")
    assert sum(int(Decimal(text)) for text in years.values()) == 399


points = st.lists(st.tuples(st.integers(0, 10**6), st.floats(-1e6, 1e6)), min_size=2, max_size=60)


@given(points)
@settings(max_examples=40)
def test_a_thinned_curve_keeps_its_ends_and_extremes(some: list[tuple[int, float]]) -> None:
    many = sorted((ts * 97 + k, usd + k % 5) for ts, usd in some for k in range(97))
    across = Axis(many[0][0], many[-1][0], 0, 900)
    kept = _thinned(many, across)
    assert len(kept) <= 4 * (_COLUMNS + 1)
    assert (kept[0], kept[-1]) == (many[0], many[-1])
    assert {min(kept, key=lambda p: p[1])[1], max(kept, key=lambda p: p[1])[1]} == {
        min(many, key=lambda p: p[1])[1],
        max(many, key=lambda p: p[1])[1],
    }
    assert set(kept) <= set(many)


@given(st.floats(-1e7, 1e7), st.floats(0, 1e7), st.integers(1, 12))
def test_steps_are_round_and_hold_the_range(low: float, span: float, about: int) -> None:
    steps = round_steps(low, low + span, about)
    slack = 1e-6 * max(1.0, abs(low), span)
    assert steps[0] <= low + slack
    assert steps[-1] >= low + span - slack
    assert 2 <= len(steps) <= 2 * about + 4


@given(st.integers(0, 400 * 24 * 60), st.integers(1, 12 * 365 * 24 * 60))
def test_times_on_an_axis_stand_within_it_and_apart(begin: int, minutes: int) -> None:
    first, last = MONDAY + begin * MINUTE, MONDAY + (begin + minutes) * MINUTE
    steps = list(time_steps(first, last, "America/Chicago"))
    stamps = [ts for ts, _ in steps]
    assert len(steps) <= 16
    assert stamps == sorted(set(stamps))
    assert all(first <= ts <= last for ts in stamps)


def test_a_curve_of_one_point_and_of_none() -> None:
    for equity in ([], [(MONDAY, Decimal(1010))]):
        ElementTree.fromstring(equity_chart(equity, Decimal(1000), CME))
    assert result_map([]) == r_histogram([]) == ""
    assert "<svg" in result_map([Day(CME.trade_date(MONDAY), Decimal(1), Decimal(0), 0.0)])


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        (money(Decimal("1184.2")), "+1,184.20"), (money(Decimal("-0.00031")), "−0.00031"), (money(None), "—"),
        (compact(-340), "−340"), (compact(1240), "1.24k"), (compact(999_960), "1M"), (compact(0.001), "0"),
        (level(50_250, 250), "50,250"), (level(51_000, 1000), "51k"), (level(0.25, 0.25), "0.25"),
        (lasted(125 * NANOS), "2 m 5 s"), (lasted(26 * HOUR), "1 d 2 h"), (lasted(HOUR), "1 h"),
    ],
)  # fmt: skip
def test_how_figures_look(told: str, shown: str) -> None:
    assert told == shown


def test_an_attribute_is_escaped_and_one_without_a_value_is_left_out() -> None:
    assert tag("td", "a<b", class_='"x"', stroke_width=1.25, id=None) == (
        '<td class="&quot;x&quot;" stroke-width="1.2">a&lt;b</td>'
    )
