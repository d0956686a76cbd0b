"""What was seen during a soak: a table, and what in it is not as promised."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.soak.trend import Trend

RESPAWNED = "Respawned uWSGI worker"
SEVERE = ("ERROR", "CRITICAL")
# What is sampled, its unit, and the time in which a slope is told.
SERIES = {
    "memory": ("MB", "hour", 3600),
    "descriptors": ("open", "minute", 60),
    "processes": ("running", "minute", 60),
}


@dataclass
class Report:
    """What was seen; `trends` are in the order of `SERIES`, `errors` by kind."""

    seconds: float
    answered: Counter[str]
    errors: Counter[str]
    slowest: float
    trouble: Counter[str]
    trends: list[Trend]
    lines: int = 0
    broken_lines: list[str] = field(default_factory=list)

    def read(self, log: Path, ready: int) -> None:
        """Add what the log tells: workers that were recycled, errors, lines that are no JSON.

        Errors count after so many bytes: until it is ready, nginx tells that uWSGI is not there.
        """
        position = 0
        with log.open("rb") as lines:
            for text in lines:
                self.lines += 1
                position += len(text)
                try:
                    line = json.loads(text)
                except ValueError:
                    line = None
                if not isinstance(line, dict):
                    self.broken_lines.append(repr(text))
                elif line.get("level") in SEVERE and position > ready:
                    self.errors[f"logged: {line.get('message') or line.get('event')}"] += 1
                elif RESPAWNED in str(line.get("message")):
                    self.trouble["worker recycled"] += 1

    def rows(self) -> Iterator[str]:
        """Yield the lines of the table."""
        total, rate = self.answered.total(), self.answered.total() / self.seconds
        yield f"requests     {total:,} in {self.seconds:.0f} s, {rate:.0f} a second"
        yield f"of these     {listed(self.answered)}"
        yield f"slowest      {self.slowest:.1f} s"
        yield f"trouble      {listed(self.trouble)}"
        yield f"errors       {listed(self.errors) or '0'}"
        for (name, (unit, per, seconds)), trend in zip(SERIES.items(), self.trends, strict=True):
            slope, error = trend.slope * seconds, trend.error * seconds
            yield (
                f"{name:12} {trend.mean:,.1f} {unit}, slope {slope:+,.2f} ± {error:,.2f} a {per}, "
                f"{trend.growth:+.1%} in {trend.seconds:.0f} s"
            )
        yield f"log lines    {self.lines:,}, {len(self.broken_lines)} of them no JSON object"

    def complaints(self) -> Iterator[str]:
        """Yield what is not as promised."""
        if self.errors:
            yield f"{self.errors.total():,} errors, such as '{next(iter(self.errors))}'"
        for name, trend in zip(SERIES, self.trends, strict=True):
            if trend.rises:
                yield f"{name} rose by {trend.growth:.0%} within {trend.seconds:.0f} s"
        if self.broken_lines:
            yield f"a line of the log is no JSON object: {self.broken_lines[0]}"


def listed(counts: Counter[str]) -> str:
    """Return the names with their counts."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
