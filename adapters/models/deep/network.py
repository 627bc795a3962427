"""A temporal fusion transformer in small (after Lim et al., "Temporal Fusion Transformers for interpretable
multi-horizon time series forecasting", 2021): gated residual networks, variable selection, a static context,
an LSTM over the past closes, interpretable attention, and quantiles beside a probability.

It is written as functions of a dictionary of tensors, which is what its file holds. What is learned of a row
is worked out once for each row, and then put in the order of time: windows overlap.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional

from adapters.models.deep.weights import DeepShape

Tensor = Any
Weights = dict[str, Tensor]

FAR = 4.0
"""Deviations beyond it are all the same."""


class DeepSaid(NamedTuple):
    """Of a batch of B examples."""

    logit: Tensor
    """B: of the target before the stop."""
    quantiles: Tensor
    """B x quantiles: of the result in R; none is above the next."""
    variables: Tensor
    """Rows x features: what each feature counts in a row; a row adds up to 1."""
    attention: Tensor
    """B x window: what each close counts, the oldest first; an example adds up to 1."""


class Dropout:
    """Leaves out a share of the numbers while it is learned, by a generator of its own."""

    def __init__(self, share: float, chance: Any) -> None:
        self._share, self._chance = share, chance

    def __call__(self, values: Tensor) -> Tensor:
        kept = torch.rand(values.shape, generator=self._chance) >= self._share
        return values * kept / (1 - self._share)


def nothing_left_out(values: Tensor) -> Tensor:
    """As it is asked."""
    return values


def fresh(shape: DeepShape, chance: Any) -> Weights:
    """Weights to begin with, drawn by a generator; normalization and outputs are still to be set."""
    made: Weights = {}
    for name, sizes in shape.tensors().items():
        if name.endswith(".norm") or name == "deviation":
            made[name] = torch.ones(sizes)
        elif name.endswith(".bias") or name == "mean" or name == "head":
            made[name] = torch.zeros(sizes)
        else:
            fan = sizes[-1] if name.startswith(("embed", "lstm")) else sizes[-2]
            made[name] = torch.randn(sizes, generator=chance) / fan**0.5
    own = shape.hidden
    made["lstm.in.bias"][own : 2 * own] = 1.0  # it remembers until it has learned to forget
    return made


def asked(
    weights: Weights,
    shape: DeepShape,
    rows: Tensor,
    places: Tensor,
    counts: Tensor,
    instruments: Tensor,
    drop: Any = nothing_left_out,
) -> DeepSaid:
    """What the network says of B examples.

    `rows` are closes x features, NaN where one is not known. `places` are B x window positions in them, the
    oldest first and padded behind; `counts` says how many of them count. `instruments` are B positions in the
    shape's, counted from 1; 0 is one that it does not tell apart.
    """
    chosen, variables = _selected(weights, rows, drop)
    context = _grn(weights, "static", weights["instrument"][instruments], drop)
    states = encoded(weights, chosen[places], context, drop)
    there = torch.arange(places.shape[1]) < counts[:, None]
    newest = states[torch.arange(len(counts)), counts - 1]
    attended, attention = _attended(weights, shape, newest, states, there, drop)
    found = _gated(weights, "attend.gate", attended, newest, drop)
    found = _gated(weights, "last.gate", _grn(weights, "final", found, drop), newest, drop)
    said = found @ weights["head"] + weights["head.bias"]
    steps = torch.cat((said[:, 1:2], functional.softplus(said[:, 2:])), dim=1)
    return DeepSaid(said[:, 0], steps.cumsum(dim=1), variables, attention)


def encoded(weights: Weights, inputs: Tensor, context: Tensor, drop: Any = nothing_left_out) -> Tensor:
    """B x window x hidden: each close as it is known with those before it, and nothing later."""
    memory = (torch.tanh(context @ weights["start.memory"])[None], (context @ weights["start.cell"])[None])
    own = [weights[f"lstm.{name}"] for name in ("in", "memory", "in.bias", "memory.bias")]
    remembered = torch.lstm(inputs, memory, own, True, 1, 0.0, False, False, True)[0]
    states = _gated(weights, "lstm.gate", remembered, inputs, drop)
    return _grn(weights, "enrich", states, drop, (context @ weights["enrich.context"])[:, None])


def _selected(weights: Weights, rows: Tensor, drop: Any) -> tuple[Tensor, Tensor]:
    """Rows x hidden, and rows x features: the features of each row, each by its own gated residual network,
    and how much each counts.
    """
    unknown = torch.isnan(rows)
    values = ((rows - weights["mean"]) / weights["deviation"]).clamp(-FAR, FAR)
    values = torch.where(unknown, torch.zeros(()), values)
    each = values.T[:, :, None] * weights["embed.scale"][:, None] + weights["embed.shift"][:, None]
    each = torch.where(unknown.T[:, :, None], weights["embed.unknown"][:, None], each)
    between = functional.elu(torch.baddbmm(weights["variable.in.bias"], each, weights["variable.in"]))
    found = torch.baddbmm(weights["variable.out.bias"], drop(between), weights["variable.out"])
    each = functional.layer_norm(each + functional.glu(found), each.shape[-1:])
    each = each * weights["variable.norm"] + weights["variable.norm.bias"]
    told = torch.cat((values, unknown.to(values.dtype)), dim=1)
    between = functional.elu(told @ weights["select.in"] + weights["select.in.bias"])
    score = functional.glu(drop(between) @ weights["select.out"] + weights["select.out.bias"])
    share = torch.softmax(score, dim=1)
    return _normed(weights, "select", torch.einsum("nf,fnd->nd", share, each)), share


def _grn(weights: Weights, name: str, values: Tensor, drop: Any, context: Any = 0.0) -> Tensor:
    """A gated residual network: what is not needed of it is closed, and the input goes past it."""
    between = functional.elu(values @ weights[f"{name}.in"] + weights[f"{name}.in.bias"] + context)
    found = functional.glu(drop(between) @ weights[f"{name}.out"] + weights[f"{name}.out.bias"])
    return _normed(weights, name, values + found)


def _gated(weights: Weights, name: str, values: Tensor, past: Tensor, drop: Any) -> Tensor:
    """As much of the values as a gate lets through, and what goes past them."""
    found = functional.glu(drop(values) @ weights[name] + weights[f"{name}.bias"])
    return _normed(weights, name, past + found)


def _normed(weights: Weights, name: str, values: Tensor) -> Tensor:
    size = values.shape[-1:]
    return functional.layer_norm(values, size, weights[f"{name}.norm"], weights[f"{name}.norm.bias"])


def _attended(
    weights: Weights, shape: DeepShape, newest: Tensor, states: Tensor, there: Tensor, drop: Any
) -> tuple[Tensor, Tensor]:
    """B x hidden, and B x window: the newest close asks all of them. Heads share their values, so that the
    mean of their weights says what counts.
    """
    count, window, own = states.shape
    heads = shape.heads
    query = (newest @ weights["attend.query"]).view(count, heads, 1, own // heads)
    key = (states @ weights["attend.key"]).view(count, window, heads, own // heads).transpose(1, 2)
    score = (query @ key.transpose(2, 3)).squeeze(2) / (own // heads) ** 0.5
    share = torch.softmax(score.masked_fill(~there[:, None], float("-inf")), dim=2).mean(dim=1)
    value = states @ weights["attend.value"]
    mixed = (drop(share)[:, None] @ value).squeeze(1)
    return mixed @ weights["attend.out"], share
