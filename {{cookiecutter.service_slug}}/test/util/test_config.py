"""Settings."""

import logging
import unittest
from pathlib import Path
from unittest import mock

import environ

from main import create_app
from main.settings import Settings
from main.util import cache, logs, pools
from main.util.config import SettingError, load, setting, urls, variables, whole

ROOT = Path(__file__).parents[2]


class TestLoading(unittest.TestCase):
    """Every value is typed, checked at the start, and named when it is wrong."""

    def test_defaults_are_good(self) -> None:
        settings = load(Settings)
        self.assertEqual(settings.log_level, "INFO")
        self.assertIs(settings.timing.header, False)
        self.assertEqual(settings.cache.ttl, 300.0)

    def test_values_are_typed(self) -> None:
        settings = load(
            Settings,
            {"APP_LOG_LEVEL": "debug", "APP_SERVER_TIMING": "True", "APP_CACHE_TTL": " 0.5 "},
        )
        self.assertEqual(settings.log_level, "DEBUG")
        self.assertIs(settings.timing.header, True)
        self.assertEqual(settings.cache.ttl, 0.5)

    def test_bad_values_are_refused_by_name(self) -> None:
        bad = {
            "APP_LOG_LEVEL": ("LOUD", "one of DEBUG, INFO, WARNING, ERROR"),
            "APP_SERVER_TIMING": ("yes", "true or false"),
            "APP_CACHE_TTL": ("0", "a positive number of seconds"),
            "APP_TIMED_SAMPLE": ("1.1", "a number from 0 to 1"),
            "APP_POOL_PROCESSES": ("0", "a whole number from 1 to 64"),
        }
        for name, (value, right) in bad.items():
            with self.subTest(name), self.assertRaises(SettingError) as caught:
                create_app({name: value})
            self.assertEqual(str(caught.exception), f"{name} must be {right}, not {value!r}.")

    def test_odd_numbers_are_refused(self) -> None:
        for value in ("", "many", "nan", "inf", "1e999", "-5", "0x10"):
            with self.subTest(value), self.assertRaisesRegex(SettingError, "a positive number"):
                load(Settings, {"APP_CACHE_TTL": value})
            with self.subTest(value), self.assertRaisesRegex(SettingError, "a number from 0 to 1"):
                load(Settings, {"APP_TIMED_SAMPLE": value})
        for value in ("", "many", "0", "1.5", "1e3", "-5", "0x10", "²", "9" * 20):
            with self.subTest(value), self.assertRaisesRegex(SettingError, "a whole number from"):
                load(Settings, {"APP_CACHE_SIZE": value})

    def test_a_secret_is_not_shown(self) -> None:
        @environ.config(prefix="APP")
        class Secrets:
            """One secret."""

            number: int = setting("APP_NUMBER", "1", whole(1, 9), "A number.", secret=True)

        with self.assertRaises(SettingError) as caught:
            load(Secrets, {"APP_NUMBER": "1234"})
        self.assertEqual(
            str(caught.exception),
            "APP_NUMBER must be a whole number from 1 to 9, not what it is now.",
        )

    def test_settings_cannot_be_changed(self) -> None:
        with self.assertRaises(AttributeError):
            load(Settings).log_level = "DEBUG"

    def test_a_misspelt_variable_is_told(self) -> None:
        with self.assertLogs("main.util.config", "WARNING") as logs:
            create_app({"APP_LOG_LEVLE": "DEBUG"})
        self.assertEqual(logs.records[0].getMessage(), "setting.unknown")
        self.assertEqual(vars(logs.records[0])["setting"], "APP_LOG_LEVLE")


class TestUse(unittest.TestCase):
    """What was read is what counts."""

    def test_each_part_has_its_own(self) -> None:
        self.addCleanup(logs.configure, "ERROR")
        given = {"APP_POOL_THREADS": "3", "APP_CACHE_TTL": "7", "APP_LOG_LEVEL": "INFO"}
        with (
            mock.patch.object(cache, "_current", None),
            mock.patch.object(pools, "_settings", None),
        ):
            create_app(given)
            self.assertEqual((pools.current().threads, cache.current().ttl), (3, 7))
            self.assertEqual(logging.getLogger().level, logging.INFO)


class TestUrls(unittest.TestCase):
    """A list of addresses."""

    def test_commas_separate(self) -> None:
        self.assertEqual(urls("http://a:1/x, https://b/,"), ("http://a:1/x", "https://b/"))
        self.assertEqual(urls(""), ())

    def test_other_schemes_are_refused(self) -> None:
        odd = ("http://a b/", "http://a:x/", "http://a:99999/", "http://[a/", "http://user:pass@a/")
        for text in ("ftp://a", "a.example", "http://", "file:///etc/passwd", *odd):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "http://"):
                urls(text)


class TestDocumentation(unittest.TestCase):
    """What is declared is what the documents list."""

    def test_the_readme_lists_every_variable(self) -> None:
        readme = (ROOT / "README.md").read_text("utf-8")
        rows = [
            f"| `{name}` | {f'`{default}`' if default else 'none'} | {meaning} |"
            for name, default, meaning in variables(Settings)
        ]
        self.assertEqual([row for row in rows if row not in readme], [], "not in README.md")

    def test_the_example_holds_every_default_and_nothing_else(self) -> None:
        lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
        given = dict(line.split("=", 1) for line in lines if line.startswith("APP_"))
        wanted = {name: default for name, default, _ in variables(Settings)}
        self.assertEqual(given, wanted, ".env.example does not agree with main/settings.py")
