"""Tests of the values that the settings give to nginx.conf."""

import unittest
from pathlib import Path

from deploy.nginx_conf import render
from deploy.stack_settings import read_settings

TEXT = Path(__file__).parents[2].joinpath("deploy", "nginx.conf").read_text("utf-8")


class TestRender(unittest.TestCase):
    """nginx.conf has the defaults, which settings replace."""

    def test_the_defaults_change_nothing(self) -> None:
        self.assertEqual(render(TEXT, read_settings({})), TEXT)

    def test_each_setting_appears(self) -> None:
        environ = {
            "PORT": "9001",
            "OPS_ADDRESS": "0.0.0.0",  # noqa: S104
            "OPS_PORT": "9002",
            "APP_LOG_QUERY": "true",
            "DOCS": "false",
            "TRUSTED_PROXIES": "10.0.0.0/8,::1",
        }
        text = render(TEXT, read_settings(environ))
        for expected in (
            "listen 9001;",
            "listen 0.0.0.0:9002;",
            "location /docs/ { return 404;",
            '"~^(?<loggable>.*)" $loggable;',
            "10.0.0.0/8 yes; ::1/128 yes; default no;",
            "set_real_ip_from 10.0.0.0/8; set_real_ip_from ::1/128; real_ip_recursive on;",
        ):
            self.assertEqual(text.count(expected), 1, expected)

    def test_limits_of_a_client_apply_to_the_whole_public_port(self) -> None:
        connections = "limit_conn clients 10; "
        rate = "limit_req zone=client_rate burst=20 nodelay; "
        for environ, limits in (
            ({"CLIENT_CONNECTIONS": "10"}, connections),
            ({"CLIENT_RATE": "20"}, rate),
            ({"CLIENT_CONNECTIONS": "10", "CLIENT_RATE": "20"}, connections + rate),
        ):
            text = render(TEXT, read_settings(environ))
            self.assertEqual(text.count(f" {limits}limit_conn requests 512;"), 1)
            self.assertEqual(text.count("rate=20r/s;"), rate in limits)
