"""Call log: one event for each timed call, at level DEBUG."""

import logging
from random import random
from zlib import crc32

from main.util.config import current_scope
from main.util.context import current_request_id
from main.util.observability.settings import ObservabilitySettings

log = logging.getLogger(__name__)


def log_call(name: str, outcome: str, duration: float) -> None:
    """Log a call of a timed function, if its request is in the sample."""
    if log.isEnabledFor(logging.DEBUG) and _is_sampled():
        fields = {"callable": name, "outcome": outcome, "seconds": round(duration, 6)}
        log.debug("call.timed", extra=fields)


def _is_sampled() -> bool:
    """Return whether this request's calls are logged; all processes agree on a request."""
    request_id = current_request_id.get()
    position = random() if request_id is None else crc32(request_id.encode()) / 2**32
    return position < current_scope().settings(ObservabilitySettings).timed_sample
