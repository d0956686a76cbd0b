"""Read the log of a running service."""

import json
import re
from pathlib import Path
from typing import Any

from harness.waiting import wait_until


class LogReader:
    """Reads a file to which a service writes one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def text(self) -> str:
        """Return everything that was written."""
        return self.path.read_text("utf-8")

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """Return the complete lines with these fields; every line must be a JSON object."""
        found = []
        complete, _, _ = self.path.read_bytes().rpartition(b"\n")
        for text in complete.splitlines():
            line = json.loads(text)
            assert isinstance(line, dict), text
            if fields.items() <= line.items():
                found.append(line)
        return found

    def wait_for_line(self, **fields: object) -> dict[str, Any]:
        """Wait for a line with these fields; return it."""
        return wait_until(lambda: self.lines(**fields))[0]

    def wait_for_numbers(self, pattern: str, minimum: int) -> list[int]:
        """Wait until `pattern` matched `minimum` times; return the numbers in its group."""

        def numbers() -> list[int]:
            found = re.findall(pattern, self.text())
            return [int(number) for number in found] if len(found) >= minimum else []

        return wait_until(numbers)
