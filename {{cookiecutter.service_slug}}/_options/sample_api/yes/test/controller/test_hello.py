"""Tests of GET /v1/hello."""

from typing import ClassVar

from test.case import ServiceCase


class TestHello(ServiceCase):
    """GET /v1/hello greets a person."""

    def test_it_greets_the_world_or_a_person(self) -> None:
        self.assertEqual(self.client.get("/v1/hello").get_json(), {"message": "Hello, World!"})
        response = self.client.get("/v1/hello", query_string={"name": "Zoë"})
        self.assertEqual(response.get_json(), {"message": "Hello, Zoë!"})

    def test_nginx_and_clients_may_cache_it(self) -> None:
        cache_control = self.client.get("/v1/hello").headers["Cache-Control"]
        self.assertEqual(cache_control, "public, max-age=1, stale-while-revalidate=5")

    def test_a_name_that_is_empty_or_too_long_is_a_422(self) -> None:
        for name in ("", "x" * 101):
            with self.subTest(name):
                response = self.client.get("/v1/hello", query_string={"name": name})
                problem = self.assert_problem(response, 422)
                self.assertEqual(list(problem["errors"]["query"]), ["name"])

    def test_an_unknown_parameter_is_a_422(self) -> None:
        problem = self.assert_problem(self.client.get("/v1/hello?nmae=Bob"), 422)
        self.assertEqual(problem["errors"], {"query": {"nmae": ["Unknown field."]}})


class TestWithoutMaxAge(ServiceCase):
    """APP_HELLO_MAX_AGE=0 disables caching."""

    environment: ClassVar[dict[str, str]] = {"APP_HELLO_MAX_AGE": "0"}

    def test_it_is_not_to_be_stored(self) -> None:
        self.assertEqual(self.client.get("/v1/hello").headers["Cache-Control"], "no-store")
