"""What this service reads from its environment."""

from typing import ClassVar

from main import settings
from test.case import ServiceCase


class TestCurrent(ServiceCase):
    """An endpoint asks for the settings of the application that serves it."""

    environment: ClassVar[dict[str, str]] = {"APP_CACHE_TTL": "77"}

    def test_they_are_those_of_the_application(self) -> None:
        with self.app.test_request_context():
            self.assertEqual(settings.current().cache.ttl, 77)
