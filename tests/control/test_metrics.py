"""What Prometheus reads: every metric that is declared, with figures of the View."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from adapters.control.metrics import FIGURES, PROCESS_NAMES, exposition
from engine.model.view import View
from tests.tui import fake, opinions


def read(view: View) -> dict[str, dict[tuple[str, ...], float]]:
    """The figures by name, each by the values of its labels."""
    body, kind = exposition(view, '1.2.3"\n{x}', {("GET", "/positions", 200): 7}, 3)
    assert kind.startswith("text/plain; version=0.0.4")
    return {
        family.name: {tuple(one.labels.values()): one.value for one in family.samples}
        for family in text_string_to_metric_families(body.decode())
    }


def test_every_figure_is_told_with_its_words_and_those_of_the_process() -> None:
    body, _ = exposition(fake.trading_view(), "1", {}, 0)
    for figure in FIGURES:
        assert f"# HELP {figure.name} {figure.words}" in body.decode()
        assert f"# TYPE {figure.name} {figure.kind}" in body.decode()
    for name in PROCESS_NAMES:
        assert f"\n{name} " in body.decode()


def test_figures_are_those_of_the_view() -> None:
    view = fake.trading_view()
    found = read(view)
    assert found["tstream_up"] == {(): 1.0}
    assert list(found["tstream_build_info"]) == [('1.2.3"\n{x}',)]  # text from outside breaks nothing
    for one in view.contracts:
        if one.bid is not None:
            assert found["tstream_price_bid"][(one.instrument,)] == float(one.bid)
    book = view.books[0]
    key = tuple(sorted({"book": book.book, "kind": book.kind.value, "currency": book.currency}.items()))
    told = {tuple(sorted(labels)): value for labels, value in found["tstream_day_pnl"].items()}
    assert told[tuple(sorted(value for _, value in key))] == float(book.day_usd)
    held = sum(abs(value) for value in found["tstream_position_lots"].values())
    assert held == sum(abs(one.qty) for one in view.positions)
    assert found["tstream_api_requests"] == {("GET", "/positions", "200"): 7.0}
    assert found["tstream_api_websockets"] == {(): 3.0}


def test_what_is_held_without_a_stop_is_told() -> None:
    view = fake.trading_view()
    naked = replace(view.positions[0], protected_qty=0)
    found = read(replace(view, positions=(naked, *view.positions[1:])))
    assert found["tstream_unprotected_lots"][(naked.book, naked.instrument)] == abs(naked.qty)


def test_what_is_not_known_is_not_told() -> None:
    view = fake.trading_view()
    blind = replace(view.contracts[0], bid=None, ask=None, last=None, age_ns=None)
    broke = replace(view.books[0], balance_usd=None, profit_factor=None)
    found = read(replace(view, contracts=(blind,), books=(broke,)))
    for name in (
        "tstream_price_bid",
        "tstream_price_age_seconds",
        "tstream_balance",
        "tstream_profit_factor",
    ):
        assert found[name] == {}
    assert found["tstream_price_stale"] == {(blind.instrument,): float(blind.stale)}


def test_a_stopped_engine_is_down() -> None:
    view = fake.trading_view()
    found = read(replace(view, health=replace(view.health, ok=False, stopped=True)))
    assert (found["tstream_up"], found["tstream_healthy"]) == ({(): 0.0}, {(): 0.0})


def test_the_second_opinion_is_told_where_one_is_wanted() -> None:
    assert read(fake.trading_view())["tstream_model_ready"] == {}
    found = read(opinions.in_trouble())
    assert found["tstream_model_ready"] == {(): 0.0}
    assert found["tstream_model_calibration_error"] == {("mnq-5m-1014",): 0.083}
    assert found["tstream_decisions"] == {("together",): 24.0, ("rules",): 1.0}
    assert found["tstream_model_missing"] == {(): 17.0}
    assert read(opinions.deciding())["tstream_mood"][("MNQ", "reddit")] == -0.22
