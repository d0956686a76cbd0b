"""Observability: logs, metrics and the duration of calls.

This face imports neither Flask nor Prometheus, because pool processes need neither of them.
"""

from main.util.observability.settings import ObservabilitySettings
from main.util.observability.timing import timed
