"""The results of a soak: a table, and its failures."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.soak.trend import Trend

RESPAWNED = "Respawned uWSGI worker"
SEVERE = ("ERROR", "CRITICAL")
# Each sampled series: its unit, and the time unit of its slope in words and in seconds.
SERIES = {
    "memory": ("MB", "hour", 3600),
    "descriptors": ("open", "minute", 60),
    "processes": ("running", "minute", 60),
}


@dataclass
class Report:
    """The results; `trends` are in the order of `SERIES`.

    `responses` counts correct responses, `errors` all failures by kind, and `events` the
    injected faults.
    """

    seconds: float
    responses: Counter[str]
    errors: Counter[str]
    slowest: float
    events: Counter[str]
    trends: list[Trend]
    log_lines: int = 0
    broken_lines: list[str] = field(default_factory=list)

    def read_log(self, log: Path, startup_bytes: int) -> None:
        """Count replaced workers, errors, and lines that are not JSON objects.

        Errors in the first `startup_bytes` do not count: nginx starts before uWSGI listens.
        """
        position = 0
        with log.open("rb") as lines:
            for text in lines:
                self.log_lines += 1
                position += len(text)
                try:
                    line = json.loads(text)
                except ValueError:
                    line = None
                if not isinstance(line, dict):
                    self.broken_lines.append(repr(text))
                elif line.get("level") in SEVERE and position > startup_bytes:
                    self.errors[f"logged: {line.get('message') or line.get('event')}"] += 1
                elif RESPAWNED in str(line.get("message")):
                    self.events["worker recycled"] += 1

    def rows(self) -> Iterator[str]:
        """Yield the lines of the table."""
        total, rate = self.responses.total(), self.responses.total() / self.seconds
        yield f"responses    {total:,} in {self.seconds:.0f} s, {rate:.0f} a second"
        yield f"of these     {_listed(self.responses)}"
        yield f"slowest      {self.slowest:.1f} s"
        yield f"chaos        {_listed(self.events)}"
        yield f"errors       {_listed(self.errors) or '0'}"
        for (name, (unit, per, seconds)), trend in zip(SERIES.items(), self.trends, strict=True):
            slope, error = trend.slope * seconds, trend.standard_error * seconds
            yield (
                f"{name:12} {trend.mean:,.1f} {unit}, slope {slope:+,.2f} ± {error:,.2f} a {per}, "
                f"{trend.growth:+.1%} in {trend.seconds:.0f} s"
            )
        yield f"log lines    {self.log_lines:,}, {len(self.broken_lines)} not JSON objects"

    def failures(self) -> Iterator[str]:
        """Yield a sentence for each broken promise."""
        if self.errors:
            yield f"{self.errors.total():,} errors, such as '{next(iter(self.errors))}'"
        for name, trend in zip(SERIES, self.trends, strict=True):
            if trend.rises:
                yield f"{name} rose by {trend.growth:.0%} within {trend.seconds:.0f} s"
        if self.broken_lines:
            yield f"a log line is not a JSON object: {self.broken_lines[0]}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
