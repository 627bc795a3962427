"""What reports there are; apart from the rest, so that the command line need not load that for its help."""

from __future__ import annotations

from enum import StrEnum


class ReportType(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    PATTERNS = "patterns"
    RISK = "risk"
