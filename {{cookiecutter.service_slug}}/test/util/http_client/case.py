"""The base class of tests with responses that the `responses` library makes up."""

from typing import Any
from unittest import mock

import responses

from main.util.http_client import Client, UpstreamError
from test.case import IsolatedCase

BASE = "http://upstream.test/api"


class ClientCase(IsolatedCase):
    """A test with a client of a fake upstream; pauses between retries take no time."""

    def setUp(self) -> None:
        self.client = Client(BASE)
        self.upstream = responses.RequestsMock(assert_all_requests_are_fired=False)
        self.upstream.start()
        self.addCleanup(self.upstream.reset)
        self.addCleanup(self.upstream.stop)
        patch = mock.patch("time.sleep")
        self.sleep = patch.start()
        self.addCleanup(patch.stop)

    def respond(self, *answers: int | Exception, path: str = "", **options: Any) -> None:
        """Let the upstream answer GET requests with these, in turn: a status or an exception.

        Only these are answered. The options are those of `responses`, such as `headers`.
        """
        self.upstream.reset()
        self.sleep.reset_mock()
        for answer in answers:
            if isinstance(answer, int):
                self.upstream.get(BASE + path, status=answer, **{"json": {}, **options})
            else:
                self.upstream.get(BASE + path, body=answer)

    @property
    def sent(self) -> list[Any]:
        """The requests that the upstream has received."""
        return [call.request for call in self.upstream.calls]

    @property
    def pauses(self) -> list[float]:
        """The seconds between the attempts."""
        return [call.args[0] for call in self.sleep.mock_calls]

    def assert_fails(
        self, kind: type[UpstreamError], client: Client | None = None, **options: Any
    ) -> UpstreamError:
        """Assert that a GET request raises exactly this error; return it."""
        with self.assertRaises(UpstreamError) as caught:
            (client or self.client).request(options.pop("method", "GET"), **options)
        self.assertIs(type(caught.exception), kind)
        return caught.exception
