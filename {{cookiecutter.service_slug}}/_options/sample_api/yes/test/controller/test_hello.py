"""GET /v1/hello."""

from typing import ClassVar

from test.case import ServiceCase


class TestHello(ServiceCase):
    """A greeting that may be kept for a moment."""

    def test_it_greets_the_world_or_somebody(self) -> None:
        self.assertEqual(self.client.get("/v1/hello").get_json(), {"message": "Hello, World!"})
        response = self.client.get("/v1/hello", query_string={"name": "Zoë"})
        self.assertEqual(response.get_json(), {"message": "Hello, Zoë!"})

    def test_nginx_and_clients_may_keep_it(self) -> None:
        self.assertEqual(self.client.get("/v1/hello").headers["Cache-Control"], "public, max-age=1")

    def test_names_have_a_length(self) -> None:
        for name in ("", "x" * 101):
            with self.subTest(name):
                response = self.client.get("/v1/hello", query_string={"name": name})
                problem = self.assert_problem(response, 422)
                self.assertEqual(list(problem["errors"]["query"]), ["name"])

    def test_unknown_parameters_are_refused(self) -> None:
        problem = self.assert_problem(self.client.get("/v1/hello?nmae=Bob"), 422)
        self.assertEqual(problem["errors"], {"query": {"nmae": ["Unknown field."]}})


class TestUnkeptHello(ServiceCase):
    """The micro-cache can be turned off."""

    environment: ClassVar[dict[str, str]] = {"APP_HELLO_MAX_AGE": "0"}

    def test_nobody_may_keep_it(self) -> None:
        self.assertEqual(self.client.get("/v1/hello").headers["Cache-Control"], "no-store")
