"""Dependencies: the systems that the service needs, which GET /readyz checks."""

import logging
from collections.abc import Callable
from time import monotonic

from flask import Flask, current_app

from main.util.context import deadline

log = logging.getLogger(__name__)

# Seconds between two checks, however many callers ask, and until the deadline of a check.
CHECK_INTERVAL = 1.0
CHECK_TIMEOUT = 1.0


class Dependency:
    """A system that the service needs, for example a database.

    `check` raises an exception if the system is down, and must return or raise within a second.
    Without a `required` dependency the service is not ready; without another it is degraded.
    """

    def __init__(self, check: Callable[[], object], *, required: bool) -> None:
        self.required = required
        self._check = check
        self._is_up: bool | None = None
        self._next_check = 0.0

    def is_up(self, name: str) -> bool:
        """Return the result of the last check; check again after `CHECK_INTERVAL`."""
        now = monotonic()
        if now >= self._next_check:
            # First, so that other threads do not wait: they use the last result.
            self._next_check = now + CHECK_INTERVAL
            self._update(name)
        return bool(self._is_up)

    def _update(self, name: str) -> None:
        try:
            with deadline.timeout(CHECK_TIMEOUT):
                self._check()
        except Exception as error:
            was_up, self._is_up = self._is_up, False
            if was_up is not False:
                details = {"dependency": name, "error": f"{type(error).__name__}: {error}"}
                log.warning("dependency.down", extra=details)
        else:
            was_up, self._is_up = self._is_up, True
            if was_up is False:
                log.info("dependency.up", extra={"dependency": name})


def register(app: Flask, name: str, dependency: Dependency) -> None:
    """Let GET /readyz of an application check a dependency, and report it by this name."""
    app.extensions.setdefault("dependencies", {})[name] = dependency


def check_all() -> tuple[str, dict[str, str]]:
    """Check the dependencies of the current application, each at most once a second.

    Returns the state of the service (ok, degraded or unavailable) and of each dependency.
    """
    dependencies: dict[str, Dependency] = current_app.extensions.get("dependencies", {})
    checks = {name: "ok" if each.is_up(name) else "down" for name, each in dependencies.items()}
    down = [dependencies[name] for name, state in checks.items() if state == "down"]
    if any(dependency.required for dependency in down):
        return "unavailable", checks
    return "degraded" if down else "ok", checks
