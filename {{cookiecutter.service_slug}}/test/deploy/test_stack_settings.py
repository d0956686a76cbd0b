"""Tests of the settings of the stack."""

import unittest

from deploy.stack_settings import StartError, read_settings


class TestReadSettings(unittest.TestCase):
    """Environment variables become settings."""

    def test_the_defaults_are_valid(self) -> None:
        settings = read_settings({})
        self.assertEqual((settings.port, settings.ops_port), (8080, 8081))
        self.assertEqual(settings.run_dir, "")

    def test_variables_take_precedence(self) -> None:
        settings = read_settings({"PORT": "80", "APP_CACHE_SIZE": "2", "RUN_DIR": "/run/x"})
        self.assertEqual((settings.port, settings.cache_items), (80, 32))
        self.assertEqual(settings.run_dir, "/run/x")

    def test_the_application_reports_an_invalid_cache_size(self) -> None:
        self.assertEqual(read_settings({"APP_CACHE_SIZE": "many"}).cache_items, 16)

    def test_every_invalid_setting_is_reported(self) -> None:
        with self.assertRaises(StartError) as caught:
            read_settings({"PORT": "0", "UWSGI_THREADS": "٣", "DRAIN_DELAY": "1" * 5000})
        self.assertEqual(caught.exception.status, 2)
        first, second, third = caught.exception.errors
        self.assertEqual(first, "PORT must be an integer from 1 to 65535; got '0'.")
        self.assertEqual(second, "UWSGI_THREADS must be an integer from 1 to 64; got '٣'.")
        self.assertTrue(third.startswith("DRAIN_DELAY must be an integer from 0 to 10; got '1"))

    def test_query_strings_are_logged_on_demand(self) -> None:
        self.assertFalse(read_settings({}).log_query)
        self.assertTrue(read_settings({"APP_LOG_QUERY": "True"}).log_query)
        with self.assertRaises(StartError) as caught:
            read_settings({"APP_LOG_QUERY": "no"})
        expected = ["APP_LOG_QUERY must be one of TRUE, FALSE; got 'no'."]
        self.assertEqual(caught.exception.errors, expected)

    def test_the_two_ports_must_differ(self) -> None:
        with self.assertRaises(StartError) as caught:
            read_settings({"PORT": "9000", "OPS_PORT": "9000"})
        sentence = "OPS_PORT must differ from PORT; got 9000 for both."
        self.assertEqual(caught.exception.errors, [sentence])
