"""Tests of main.settings, and of the documents that list the settings."""

import unittest
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from main import settings
from main.application import create_app
from main.settings import Settings
from main.util.concurrency import process_map, thread_map
from main.util.config import SettingError, load, variables
from main.util.config.declare import Variable
from test.case import IsolatedCase, ServiceCase
from test.util.concurrency import tasks

ROOT = Path(__file__).parents[1]


class TestCurrent(ServiceCase):
    """settings.current() with an application."""

    environment: ClassVar[dict[str, str]] = {"APP_CACHE_TTL": "77"}

    def test_a_request_gets_the_settings_of_its_application(self) -> None:
        with self.app.test_request_context():
            self.assertEqual(settings.current().cache.ttl, 77)

    def test_a_pool_thread_gets_the_settings_of_the_application(self) -> None:
        self.assertEqual(thread_map(tasks.cache_ttl, [None]), [77])


class TestCurrentWithoutApplication(IsolatedCase):
    """settings.current() in a process without an application."""

    def test_a_script_gets_the_settings_of_the_environment(self) -> None:
        self.assertEqual(settings.current().cache.ttl, 300)
        self.assertIs(settings.current(), settings.current())

    def test_a_pool_process_gets_the_settings_of_the_environment(self) -> None:
        self.assertEqual(process_map(tasks.cache_ttl, [None]), [300])

    def test_an_application_context_activates_the_settings_of_its_application(self) -> None:
        with create_app({"APP_CACHE_TTL": "5"}).app_context():
            self.assertEqual(settings.current().cache.ttl, 5)


class TestLimits(unittest.TestCase):
    """Numbers have limits."""

    def test_numbers_beyond_the_limits_are_rejected(self) -> None:
        for name, lowest, highest in (
            ("APP_CACHE_SIZE", 1, 1_000_000),
            ("APP_POOL_THREADS", 1, 256),
            ("APP_POOL_PROCESSES", 1, 64),
        ):
            for accepted in (lowest, highest):
                load(Settings, {name: str(accepted)})
            for rejected in (lowest - 1, highest + 1):
                with self.assertRaisesRegex(SettingError, f"{name} must be an integer from"):
                    load(Settings, {name: str(rejected)})


class TestDocuments(unittest.TestCase):
    """README.md and .env.example list every setting with its default."""

    def test_the_table_in_the_readme_lists_every_setting(self) -> None:
        self.assert_lists("README.md", "| `APP_", readme_row)

    def test_the_env_example_lists_every_setting(self) -> None:
        self.assert_lists(".env.example", "APP_", env_line)

    def test_each_deployment_sets_what_is_required(self) -> None:
        for document in ("docker-compose.yml", "deploy/k8s/kustomization.yaml"):
            text = (ROOT / document).read_text("utf-8")
            for variable in variables(Settings):
                is_set = variable.default is not None or variable.name in text
                self.assertTrue(is_set, f"Set {variable.name} in {document}: it is required.")

    def assert_lists(self, document: str, start: str, describe: Callable[[Variable], str]) -> None:
        """Assert that the lines of a document with this start are those of the settings."""
        lines = (ROOT / document).read_text("utf-8").splitlines()
        actual = [line for line in lines if line.startswith(start)]
        expected = [describe(variable) for variable in variables(Settings)]
        advice = [
            *(f"Remove this line from {document}:\n{line}" for line in actual),
            *(f"Add this line to {document}, beside the others:\n{line}" for line in expected),
        ]
        differing = set(expected) ^ set(actual)
        advice = [each for each in advice if each.split("\n")[1] in differing]
        if advice:
            self.fail("\n\n" + "\n".join(advice))


def readme_row(variable: Variable) -> str:
    """Return the row of the table that describes the variable."""
    default = {None: "required", "": "none"}.get(variable.default, f"`{variable.default}`")
    return f"| `{variable.name}` | {default} | {variable.help} |"


def env_line(variable: Variable) -> str:
    """Return the line that sets the variable to its default."""
    return f"{variable.name}={variable.default or ''}"
