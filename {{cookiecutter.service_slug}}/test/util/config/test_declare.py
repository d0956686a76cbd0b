import logging
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from main.application import create_app
from main.util.config import SettingError, integer, load, setting
from main.util.observability import logs


@dataclass(frozen=True, kw_only=True)
class Database:
    """Settings of a database."""

    url: str = setting("APP_DATABASE_URL", None, str, "URL of the database.", secret=True)
    connections: int = setting("APP_DATABASE_SIZE", "4", integer(1, 9), "Connections.")


@dataclass(frozen=True, kw_only=True)
class Example:
    """Settings with a group."""

    pin: int = setting("APP_PIN", "1", integer(1, 9), "A secret number.", secret=True)
    database: Database


URL = {"APP_DATABASE_URL": "sql://user:password@host"}
REMEDY = "Set {0}, or set {0}_FILE to the path of a file with its value."


class TestLoad(unittest.TestCase):
    def test_values_are_parsed_without_surrounding_space_or_have_their_default(self) -> None:
        settings = load(Example, {**URL, "APP_DATABASE_SIZE": " 7\n", "APP_PIN_FILE": ""})
        self.assertEqual((settings.pin, settings.database.connections), (1, 7))

    def test_all_errors_are_reported_at_once_and_without_secrets(self) -> None:
        problems = (
            ("APP_PIN", "must be an integer from 1 to 9; got a value that is not shown"),
            ("APP_DATABASE_URL", "must be set; got ''"),
            ("APP_DATABASE_SIZE", "must be an integer from 1 to 9; got 'many'"),
        )
        with self.assertRaises(SettingError) as caught:
            load(Example, {"APP_PIN": "123", "APP_DATABASE_URL": " ", "APP_DATABASE_SIZE": "many"})
        expected = tuple(f"{name} {text}. {REMEDY.format(name)}" for name, text in problems)
        self.assertEqual(caught.exception.errors, expected)
        self.assertEqual(str(caught.exception), "\n".join(expected))

    def test_the_repr_contains_no_secret(self) -> None:
        text = repr(load(Example, {**URL, "APP_PIN": "7"}))
        self.assertEqual(text, "Example(database=Database(connections=4))")


class TestSecretFiles(unittest.TestCase):
    """NAME_FILE holds the path of a file with the value of NAME."""

    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.path = Path(folder, "secret")

    def test_the_value_is_read_from_the_file(self) -> None:
        self.path.write_text("sql://mounted\n", "utf-8")
        settings = load(Database, {**URL, "APP_DATABASE_URL_FILE": str(self.path)})
        self.assertEqual(settings.url, "sql://mounted")

    def test_a_file_that_cannot_be_read_is_an_error(self) -> None:
        binary = self.path.with_name("binary")
        binary.write_bytes(b"\xff")
        for path in (str(self.path), str(binary)):
            problem = (
                f"APP_DATABASE_URL_FILE must be the path of a readable UTF-8 file; got '{path}'"
            )
            with self.subTest(path), self.assertRaises(SettingError) as caught:
                load(Database, {"APP_DATABASE_URL_FILE": path})
            expected = f"{problem}. {REMEDY.format('APP_DATABASE_URL')}"
            self.assertEqual(str(caught.exception), expected)


class TestApplication(unittest.TestCase):
    def setUp(self) -> None:
        self.addCleanup(logs.configure, "ERROR")

    def test_the_log_level_is_applied(self) -> None:
        create_app({"APP_LOG_LEVEL": "warning"})
        self.assertEqual(logging.getLogger().level, logging.WARNING)

    def test_the_repr_of_the_application_contains_no_settings(self) -> None:
        app = create_app()
        self.assertNotIn("Settings(", repr(app.config) + repr(app.extensions))

    def test_unknown_variables_are_logged_as_warnings(self) -> None:
        with self.assertLogs("main.util.config", "WARNING") as caught:
            create_app({"APP_LOG_LEVEL_FILE": "", "APP_ZERO": "", "APP_LOG_LEVLE": "", "APPLE": ""})
        found = [(record.getMessage(), vars(record)["setting"]) for record in caught.records]
        names = ("APP_LOG_LEVLE", "APP_ZERO")
        self.assertEqual(found, [("setting.unknown", name) for name in names])
