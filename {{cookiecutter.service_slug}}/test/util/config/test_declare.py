"""Tests of declaring and loading settings."""

import logging
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

from main.application import create_app
from main.settings import Settings
from main.util.config import SettingError, integer, load, setting, variables
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


class TestLoad(unittest.TestCase):
    """Loading settings from the environment."""

    def assert_errors(self, overrides: dict[str, str], *expected: str) -> None:
        with self.assertRaises(SettingError) as caught:
            load(Example, overrides)
        self.assertEqual(caught.exception.errors, expected)
        self.assertEqual(str(caught.exception), "\n".join(expected))

    def test_values_are_parsed_without_surrounding_space(self) -> None:
        settings = load(Example, {**URL, "APP_DATABASE_SIZE": " 7\n"})
        self.assertEqual(settings.database.connections, 7)

    def test_a_variable_that_is_not_set_has_its_default(self) -> None:
        settings = load(Example, URL)
        self.assertEqual((settings.pin, settings.database.connections), (1, 4))

    def test_all_errors_are_reported_at_once(self) -> None:
        self.assert_errors(
            {"APP_PIN": "123", "APP_DATABASE_SIZE": "many"},
            "APP_PIN must be an integer from 1 to 9; got a value that is not shown. "
            "Correct it or unset it to use '1'.",
            "APP_DATABASE_URL must be set; got nothing. "
            "Set it, or set APP_DATABASE_URL_FILE to the path of a file that holds it.",
            "APP_DATABASE_SIZE must be an integer from 1 to 9; got 'many'. "
            "Correct it or unset it to use '4'.",
        )

    def test_an_empty_value_of_a_required_variable_is_an_error(self) -> None:
        with self.assertRaisesRegex(SettingError, "^APP_DATABASE_URL must be set; got nothing"):
            load(Database, {"APP_DATABASE_URL": ""})

    def test_the_repr_contains_no_secret(self) -> None:
        text = repr(load(Example, {**URL, "APP_PIN": "7"}))
        self.assertEqual(text, "Example(database=Database(connections=4))")

    def test_settings_cannot_be_changed(self) -> None:
        with self.assertRaises(AttributeError):
            load(Example, URL).pin = 2  # type: ignore[misc]

    def test_group_constructors_accept_values_for_tests(self) -> None:
        self.assertEqual(Database(url="sql://", connections=2).connections, 2)

    def test_variables_are_listed_in_the_order_of_declaration(self) -> None:
        names = [variable.name for variable in variables(Example)]
        self.assertEqual(names, ["APP_PIN", "APP_DATABASE_URL", "APP_DATABASE_SIZE"])


class TestSecretFiles(unittest.TestCase):
    """NAME_FILE holds the path of a file with the value of NAME."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "secret")

    def test_the_value_is_read_from_the_file(self) -> None:
        self.path.write_text("sql://mounted\n", "utf-8")
        settings = load(Database, {"APP_DATABASE_URL_FILE": str(self.path)})
        self.assertEqual(settings.url, "sql://mounted")

    def test_an_empty_path_counts_as_not_set(self) -> None:
        self.assertEqual(load(Database, {**URL, "APP_DATABASE_URL_FILE": ""}).connections, 4)

    def test_a_file_that_cannot_be_read_is_an_error(self) -> None:
        path = repr(str(self.path))
        for write in (lambda: None, lambda: self.path.write_bytes(b"\xff")):
            write()
            expected = (
                f"^APP_DATABASE_URL_FILE must be the path of a readable file; got {path} .* "
                "Create the file, or set APP_DATABASE_URL instead.$"
            )
            with self.assertRaisesRegex(SettingError, expected):
                load(Database, {"APP_DATABASE_URL_FILE": str(self.path)})

    def test_a_variable_that_is_also_given_as_a_file_is_an_error(self) -> None:
        with self.assertRaisesRegex(SettingError, "got both. Unset one.$"):
            load(Database, {**URL, "APP_DATABASE_URL_FILE": str(self.path)})


class TestApplication(unittest.TestCase):
    """The settings of an application."""

    def setUp(self) -> None:
        self.addCleanup(logs.configure, "ERROR")

    def test_defaults_are_valid(self) -> None:
        self.assertIs(load(Settings).observability.server_timing, False)

    def test_the_log_level_is_applied(self) -> None:
        create_app({"APP_LOG_LEVEL": "warning"})
        self.assertEqual(logging.getLogger().level, logging.WARNING)

    def test_the_repr_of_the_configuration_contains_no_secret(self) -> None:
        names = [variable.name for variable in variables(Settings) if variable.secret]
        app = create_app()
        for name in names:
            self.assertNotIn(name, repr(app.config))
        self.assertNotIn("Settings(", repr(app.config) + repr(app.extensions["scope"]))

    def test_an_unknown_variable_is_logged_as_a_warning(self) -> None:
        with self.assertLogs("main.util.config", "WARNING") as caught:
            create_app({"APP_LOG_LEVLE": "DEBUG"})
        self.assertEqual(caught.records[0].getMessage(), "setting.unknown")
        self.assertEqual(vars(caught.records[0])["setting"], "APP_LOG_LEVLE")
