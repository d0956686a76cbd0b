"""Dependencies: the systems that the service needs, which GET /readyz checks."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from logging import INFO, WARNING
from time import monotonic

from flask import current_app

from main.util.context import deadline

log = logging.getLogger(__name__)

# Seconds between two checks, and until the deadline of each.
INTERVAL = 1.0


@dataclass
class Dependency:
    """A system that the service needs, for example a database.

    `check` raises an exception if the system is down, and must return or raise within a second.
    Without a `required` dependency the service is not ready; without another it is degraded.
    """

    check: Callable[[], object]
    required: bool
    _is_up: bool | None = None  # until the first check
    _is_checking: bool = False
    _next_check: float = 0.0

    def is_up(self, name: str) -> bool:
        """Check at most once an `INTERVAL`; return the last result and log if it has changed."""
        now = monotonic()
        # Once there is a result, nobody waits for a check but the caller that makes it.
        if self._is_up is not None and (self._is_checking or now < self._next_check):
            return self._is_up
        self._is_checking, self._next_check = True, now + INTERVAL
        error = None
        try:
            with deadline.timeout(INTERVAL):
                self.check()
        except Exception as raised:
            error = f"{type(raised).__name__}: {raised}"
        was_up, self._is_up, self._is_checking = self._is_up, error is None, False
        if self._is_up != (was_up is not False):
            level, event = (INFO, "dependency.up") if self._is_up else (WARNING, "dependency.down")
            log.log(level, event, extra={"dependency": name, "error": error})
        return self._is_up


def check_all() -> tuple[str, dict[str, str]]:
    """Check the current application's dependencies, which are in `app.extensions["dependencies"]`.

    Returns the state of the service (ok, degraded or unavailable) and of each dependency.
    """
    dependencies: dict[str, Dependency] = current_app.extensions["dependencies"]
    checks = {name: "ok" if each.is_up(name) else "down" for name, each in dependencies.items()}
    down = [dependencies[name] for name, state in checks.items() if state == "down"]
    if any(dependency.required for dependency in down):
        return "unavailable", checks
    return "degraded" if down else "ok", checks
