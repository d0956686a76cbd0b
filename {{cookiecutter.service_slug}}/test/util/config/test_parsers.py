"""Tests of the parsers of settings."""

import unittest
from collections.abc import Callable
from typing import Any

from main.util.config import boolean, choice, integer, positive_seconds, ratio, url_list


class TestParsers(unittest.TestCase):
    """Each parser accepts one kind of text, and says what it is otherwise."""

    def assert_rejects(self, parser: Callable[[str], Any], message: str, *texts: str) -> None:
        for text in texts:
            with self.subTest(text[:20]), self.assertRaises(ValueError) as caught:
                parser(text)
            self.assertEqual(str(caught.exception), message)

    def test_choice_accepts_any_case(self) -> None:
        parser = choice("DEBUG", "INFO")
        self.assertEqual(parser("debug"), "DEBUG")
        self.assert_rejects(parser, "one of DEBUG, INFO", "", "LOUD")

    def test_integer_accepts_digits_within_the_bounds(self) -> None:
        parser = integer(1, 64)
        self.assertEqual([parser("1"), parser("064")], [1, 64])
        odd = ("", "many", "0", "65", "1.5", "1e1", "-5", "0x10", "²", "9" * 5000)
        self.assert_rejects(parser, "an integer from 1 to 64", *odd)

    def test_positive_seconds_accepts_fractions(self) -> None:
        self.assertEqual(positive_seconds("0.5"), 0.5)
        odd = ("", "many", "0", "nan", "inf", "1e999", "-5", "0x10")
        self.assert_rejects(positive_seconds, "a positive number of seconds", *odd)

    def test_ratio_accepts_both_bounds(self) -> None:
        self.assertEqual([ratio("0"), ratio("0.25"), ratio("1")], [0, 0.25, 1])
        self.assert_rejects(ratio, "a number from 0 to 1", "", "many", "nan", "1.1", "-0.1")

    def test_boolean_accepts_true_and_false_only(self) -> None:
        self.assertEqual([boolean("True"), boolean("false")], [True, False])
        self.assert_rejects(boolean, "true or false", "", "yes", "1", "on")

    def test_url_list_accepts_commas_and_an_empty_list(self) -> None:
        urls = url_list("http://a:1/x, https://b/,")
        self.assertEqual(urls, ("http://a:1/x", "https://b/"))
        self.assertEqual(url_list(""), ())

    def test_url_list_rejects_other_schemes_credentials_and_malformed_urls(self) -> None:
        message = "http:// or https:// URLs without credentials, separated by commas"
        odd = ("http://a b/", "http://a:x/", "http://a:99999/", "http://[a/", "http://u:p@a/")
        self.assert_rejects(
            url_list, message, "ftp://a", "a.example", "http://", "file:///etc/passwd", *odd
        )
