"""Tests of the settings of the stack."""

import unittest

from deploy.stack_settings import StartError, read_settings


class TestReadSettings(unittest.TestCase):
    """Environment variables become settings."""

    def errors(self, **environ: str) -> list[str]:
        """Return the sentences for invalid variables."""
        with self.assertRaises(StartError) as caught:
            read_settings(environ)
        return list(caught.exception.args)

    def test_the_defaults_are_valid(self) -> None:
        settings = read_settings({})
        self.assertEqual((settings.port, settings.ops_port), (8080, 8081))
        self.assertEqual((settings.trusted_proxies, settings.run_dir), ([], ""))

    def test_variables_take_precedence(self) -> None:
        settings = read_settings({"PORT": "80", "APP_LOG_QUERY": "True", "RUN_DIR": "/run/x"})
        self.assertEqual((settings.port, settings.run_dir), (80, "/run/x"))
        self.assertTrue(settings.log_query)

    def test_every_invalid_setting_is_reported(self) -> None:
        errors = self.errors(PORT="0", UWSGI_THREADS="٣", DRAIN_DELAY="1" * 5000, APP_LOG_QUERY="1")
        self.assertEqual(errors[0], "APP_LOG_QUERY must be true or false; got '1'.")
        self.assertEqual(errors[1], "PORT must be an integer from 1 to 65535; got '0'.")
        self.assertEqual(errors[2], "UWSGI_THREADS must be an integer from 1 to 64; got '٣'.")
        self.assertTrue(errors[3].startswith("DRAIN_DELAY must be an integer from 0 to 10; got"))

    def test_the_two_ports_must_differ(self) -> None:
        errors = self.errors(PORT="9000", OPS_PORT="9000")
        self.assertEqual(errors, ["OPS_PORT must differ from PORT; got 9000 for both."])

    def test_the_path_of_run_dir_is_not_too_long(self) -> None:
        (error,) = self.errors(RUN_DIR=f"/{'x' * 90}")
        self.assertTrue(error.startswith("RUN_DIR must have at most 90 characters; got '/xxx"))

    def test_proxies_are_addresses_and_networks(self) -> None:
        settings = read_settings({"TRUSTED_PROXIES": "10.0.0.0/8, ::1,192.0.2.7,"})
        self.assertEqual(settings.trusted_proxies, ["10.0.0.0/8", "::1/128", "192.0.2.7/32"])

    def test_each_invalid_proxy_is_reported(self) -> None:
        first, second = self.errors(TRUSTED_PROXIES="10.0.0.1/8,proxy; daemon on")
        start = "TRUSTED_PROXIES must be addresses or CIDRs, separated by commas; got "
        self.assertTrue(first.startswith(f"{start}'10.0.0.1/8': "))
        self.assertTrue(second.startswith(f"{start}'proxy; daemon on': "))
