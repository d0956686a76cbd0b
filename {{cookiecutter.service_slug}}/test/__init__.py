"""The tests: what the service promises, as unittest's cases; run by pytest or by unittest."""

from unittest import mock

from main.util import cache
from test.store import Store

# No test leaves this process, whatever store the service has: that has tests of its own.
mock.patch.object(cache, "Backend", Store).start()
