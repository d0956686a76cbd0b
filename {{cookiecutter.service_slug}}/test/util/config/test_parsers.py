import unittest
from typing import Any

from main.util.config import boolean, choice, integer, positive_seconds, ratio, url_list

URLS = "http:// or https:// URLs without credentials, separated by commas"

# Parser, its description, accepted texts with their values, and rejected texts.
CASES: list[tuple[Any, str, dict[str, Any], str]] = [
    (choice("LOW", "HIGH"), "one of LOW, HIGH", {"low": "LOW", "HIGH": "HIGH"}, " LOUD"),
    (
        integer(1, 64),
        "an integer from 1 to 64",
        {"1": 1, "064": 64},
        " many 0 65 1.5 1e1 -5 0x10 " + "9" * 5000,
    ),
    (positive_seconds, "a positive number of seconds", {"0.5": 0.5}, " many 0 nan inf -5 0x10"),
    (ratio, "a number from 0 to 1", {"0": 0, "0.25": 0.25, "1": 1}, " many nan 1.1 -0.1"),
    (boolean, "true or false", {"True": True, "false": False}, " yes 1 on"),
    (
        url_list,
        URLS,
        {"": (), "http://a:1/x, HTTPS://b/,": ("http://a:1/x", "HTTPS://b/")},
        "ftp://a a.example http:// file:///etc/passwd http://a:x/ http://a:0/ http://a:99999/"
        " http://[a/ http://u:p@a/ http://a\tb/",
    ),
]


class TestParsers(unittest.TestCase):
    def test_accepted_texts(self) -> None:
        for parser, description, accepted, _ in CASES:
            for text, value in accepted.items():
                with self.subTest(description, text=text):
                    self.assertEqual(parser(text), value)

    def test_rejected_texts(self) -> None:
        for parser, description, _, rejected in CASES:
            for text in rejected.split(" "):
                with self.subTest(text[:20]), self.assertRaises(ValueError) as caught:
                    parser(text)
                self.assertEqual(str(caught.exception), description)
