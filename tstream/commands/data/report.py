"""What is in a dataset, for people or as JSON."""

from __future__ import annotations

import sys

import msgspec

from adapters.common.redaction import printable
from engine.model.datasets import Dataset
from tstream.clock import utc


def show(dataset: Dataset, *, as_json: bool, kept: bool = True) -> None:
    """Its card on stdout."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(dataset)).decode() + "\n")
        return
    sys.stdout.write("".join(f"{printable(line)}\n" for line in lines(dataset, kept=kept)))


def lines(dataset: Dataset, *, kept: bool = True) -> list[str]:
    """The report, a line each."""
    quality = dataset.quality
    head = f"{dataset.name}: {dataset.instrument.symbol} {dataset.timeframe}, {dataset.rows:,} bars"
    said = [f"{head}, {span(dataset)} UTC" + ("" if kept else " (not kept)")]
    for source in dataset.sources:
        how = ", ".join(
            part
            for part in (
                f"{source.rows:,} rows",
                f"zone {source.zone}" if source.zone else "",
                f"stamped by the {source.stamp}" if source.stamp else "",
                f"sha256 {source.sha256[:12]}" if source.sha256 else "",
            )
            if part
        )
        said.append(f"  from {source.name}: {how}")
    if quality.dropped:
        said.append(f"  dropped {quality.dropped:,} of {quality.rows:,} rows")
    for finding in quality.findings:
        mark = "!" if finding.grave else "·"
        dropped = f" ({finding.dropped:,} dropped)" if finding.dropped else ""
        count = f"{finding.count:,} " if finding.count else ""
        said.append(f"{mark} {count}{finding.words}{dropped}")
        said.extend(f"    {one}" for one in finding.first)
    if not quality.findings:
        said.append("  no flaw found")
    return said


def days(dataset: Dataset) -> str:
    """The dates of its first and last bar."""
    return f"{utc(dataset.start_ts):%Y-%m-%d} {utc(dataset.end_ts):%Y-%m-%d}"


def span(dataset: Dataset) -> str:
    """From its first bar's open to its last one's end."""
    return f"{utc(dataset.start_ts):%Y-%m-%d %H:%M} to {utc(dataset.end_ts):%Y-%m-%d %H:%M}"
