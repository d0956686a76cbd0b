"""Tests of POST /v1/primes."""

from pathlib import Path
from unittest import mock

from main.service import primes
from test.case import ServiceCase

PAYLOAD = Path(__file__).parents[1] / "resources" / "primes.json"


class TestPrimes(ServiceCase):
    """POST /v1/primes classifies numbers, in their order."""

    def test_numbers_are_classified(self) -> None:
        response = self.client.post(
            "/v1/primes", data=PAYLOAD.read_bytes(), content_type="application/json"
        )
        self.assertEqual(response.status_code, 200)
        self.assertEqual(
            response.get_json()["numbers"],
            [
                {"number": 0, "prime": False},
                {"number": 1, "prime": False},
                {"number": 2, "prime": True},
                {"number": 9, "prime": False, "factor": 3},
                {"number": 97, "prime": True},
                {"number": 112272535095293, "prime": True},
                {"number": 1000000007, "prime": True},
            ],
        )

    def test_the_largest_integer_is_accepted(self) -> None:
        response = self.client.post("/v1/primes", json={"numbers": [2**53 - 1]})
        self.assertEqual(
            response.get_json()["numbers"], [{"number": 2**53 - 1, "prime": False, "factor": 6361}]
        )

    def test_a_late_answer_is_a_503_problem(self) -> None:
        with mock.patch.object(primes, "TIMEOUT", 0.01):
            response = self.client.post("/v1/primes", json={"numbers": [9007199254740881]})
        self.assert_problem(response, 503)

    def test_invalid_numbers_are_a_422_problem(self) -> None:
        for numbers in ([], [2] * 21, [-1], [2**53], [7.5], ["7"], [None], "7", None):
            with self.subTest(numbers):
                response = self.client.post("/v1/primes", json={"numbers": numbers})
                self.assertIn("numbers", self.assert_problem(response, 422)["errors"]["json"])

    def test_a_list_that_is_too_long_is_one_error_whatever_its_items(self) -> None:
        response = self.client.post("/v1/primes", json={"numbers": [-1] * 200_000})
        errors = self.assert_problem(response, 422)["errors"]["json"]
        self.assertEqual(errors, {"numbers": ["Length must be between 1 and 20."]})
