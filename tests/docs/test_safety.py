"""docs/safety.md lists every refusal with its own sentence."""

from __future__ import annotations

from engine.model.refusals import Refusal
from engine.model.restrictions import TradingState
from tests.docs.pages import DOCS, section, tables
from tstream.settings.risk import RiskSettings

PAGE = DOCS / "safety.md"


def test_every_refusal_is_listed_in_order_with_its_sentence_and_a_remedy() -> None:
    (table,) = tables(section(PAGE, "Refusals"))
    assert [row[:2] for row in table] == [[f"`{refusal}`", refusal.sentence] for refusal in Refusal]
    assert all(row[2] for row in table)


def test_every_trading_state_is_listed() -> None:
    (table,) = tables(section(PAGE, "Trading states"))
    assert [row[0] for row in table if row[0]] == list(TradingState)


def test_limits_have_the_defaults_of_the_settings() -> None:
    (table,) = tables(section(PAGE, "Limits"))
    limits = RiskSettings()
    for name, default, _ in table:
        value = getattr(limits, name.strip("`"))
        told = {"true": True, "false": False, "off": 0}.get(default)
        assert value == (float(default) if told is None else told)
