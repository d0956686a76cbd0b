"""The tests of the service, written with unittest; pytest and unittest both run them."""

import os
import sys
from unittest import mock

from main.settings import Settings
from main.util import config
from main.util.cache import current
from test.store import InMemoryStore

# The settings of all tests, whatever those of the shell are. Add required settings here.
ENVIRONMENT = {"APP_LOG_LEVEL": "ERROR"}

for name in [name for name in os.environ if name.startswith("APP_")]:
    del os.environ[name]
os.environ.update(ENVIRONMENT)
try:
    config.load(Settings)
except config.SettingError as error:
    # Once, instead of in every test.
    sys.exit(f"{error}\nTests have settings of their own: add it to ENVIRONMENT in {__file__}")

# No test leaves this process, whatever store the service has: that has tests of its own.
mock.patch.object(current, "CacheStore", InMemoryStore).start()
