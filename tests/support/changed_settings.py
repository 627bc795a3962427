"""Settings files as people might change them: right ones, wrong ones, and keys that need a start."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

_KEYS: dict[str, list[Any]] = {
    "risk.per_trade_usd": [50, 200, 900],
    "risk.daily_loss_usd": [100, 800, "off", -1],
    "risk.max_trades": [1, 7, 40, "off", 0, "many"],
    "risk.max_contracts": [1, 5, 9, -2],
    "risk.warn_percent": [10, 50, 90],
    "risk.reduce_percent": [40, 80, 99],
    "risk.act_percent": [60, 95, 100],
    "risk.no_entry_minutes": [3, 15],
    "risk.flatten_minutes": [5, 20],
    "risk.reward_to_risk_min": [0.5, 1.5, 3],
    "risk.trail_ticks": ["off", 8],
    "risk.max_drawdown_percent": ["off", 5],
    "risk.stale_seconds": [1, 10.5],
    "risk.single_contract": ["t1", "hold"],
    "risk.must_be_flat": [True, False],
    "strategy.min_score": [4, 7.5, 11],
    "strategy.second_target_r": [1, 2.2, 5],
    "strategy.cooldown_minutes": [0, 20],
    "ui.fps": [5, 10],
    "ui.theme": ["", "no such theme"],
    "ui.bell": [True, False],
    "log.level": ["DEBUG", "INFO"],
    "notify.zone": ["Europe/Helsinki", "Nowhere"],
    "notify.repeat_seconds": [10, 60],
    "reload.watch": [True, False],
    "tape.record": [True, False],
    "trading": ["off", "paper", "live"],
    "contracts": [["MNQ"], ["MNQ", "MES"], ["MNQ", "MNQ"]],
}


def keys_of() -> tuple[str, ...]:
    """Every key that is drawn."""
    return tuple(_KEYS)


def drawn() -> st.SearchStrategy[dict[str, Any]]:
    """Some keys with values, some of which are wrong alone or together."""
    chosen = st.lists(st.sampled_from(keys_of()), max_size=6, unique=True)
    return chosen.flatmap(lambda keys: st.fixed_dictionaries({k: st.sampled_from(_KEYS[k]) for k in keys}))


def toml_of(values: dict[str, Any]) -> str:
    """The file that says so."""
    return "".join(f"{key} = {_said(value)}\n" for key, value in values.items())


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return f'"{value}"' if isinstance(value, str) else f"{value}"
