"""Settings of logs and of timed calls."""

from dataclasses import dataclass

from main.util.config import boolean, choice, ratio, setting


@dataclass(frozen=True, kw_only=True)
class ObservabilitySettings:
    """Which events are logged, and whether callers see how long calls took."""

    log_level: str = setting(
        "APP_LOG_LEVEL",
        "INFO",
        choice("DEBUG", "INFO", "WARNING", "ERROR"),
        "Least severe level that is logged.",
    )
    # nginx logs requests, so the entry point reads this one too.
    log_query: bool = setting(
        "APP_LOG_QUERY", "false", boolean, "Log the query strings of requests."
    )
    server_timing: bool = setting(
        "APP_SERVER_TIMING",
        "false",
        boolean,
        "Send the duration of @timed calls in the Server-Timing header.",
    )
    timed_sample: float = setting(
        "APP_TIMED_SAMPLE",
        "1",
        ratio,
        "Share of requests, from 0 to 1, whose @timed calls are logged at level DEBUG.",
    )
