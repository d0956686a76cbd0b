"""Tests of who may call POST /v1/primes and the other endpoints of the sample."""

from typing import Any

from test.case import ServiceCase
from test.issuer import make_token


class TestSampleAccess(ServiceCase):
    """One endpoint is public, one requires a token, and one requires a scope."""

    def status(self, method: str, path: str, *scopes: str, authorized: bool = True) -> int:
        authorization = f"Bearer {make_token(*scopes)}" if authorized else ""
        options: dict[str, Any] = {"json": {"numbers": [7]}} if method == "POST" else {}
        headers = {"Authorization": authorization}
        return self.client.open(path, method=method, headers=headers, **options).status_code

    def test_everybody_may_be_greeted(self) -> None:
        self.assertEqual(self.status("GET", "/v1/hello", authorized=False), 200)

    def test_pages_require_a_token(self) -> None:
        self.assertEqual(self.status("GET", "/v1/pages", authorized=False), 401)
        self.assertEqual(self.status("GET", "/v1/pages"), 200)

    def test_primes_require_a_scope(self) -> None:
        self.assertEqual(self.status("POST", "/v1/primes", authorized=False), 401)
        self.assertEqual(self.status("POST", "/v1/primes", "primes:write"), 403)
        self.assertEqual(self.status("POST", "/v1/primes", "primes:read"), 200)
