"""What every bench prints: the machine, and a table of figures with the peer beside them."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """One line about what this was measured on, with the load that others put on it."""
    import textual

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = (line for line in cpuinfo.read_text(encoding="utf-8").splitlines() if "model name" in line)
        model = next(names, model).partition(":")[2].strip() or model
    load = os.getloadavg()[0]
    return (
        f"machine: {os.cpu_count()} cores, {model}, {platform.system()}, "
        f"Python {platform.python_version()}, Textual {textual.__version__}, "
        f"bytecode {'not kept' if sys.dont_write_bytecode else 'kept'}, load {load:.1f} before"
    )


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads; the first column is left-aligned, all others right."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    print(f"\n{title}")
    for row in (head, ["-" * width for width in widths], *rows):
        first, *others = (
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def ms(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 0.1 else f"{1000 * seconds:.0f} ms"


def ratio(ours: float, peer: float) -> str:
    return f"{ours / peer:.1f}x"
