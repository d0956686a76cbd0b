"""Tests of main.application."""

import secrets
import unittest
from unittest import mock

from flask import request
from flask.sessions import SecureCookieSessionInterface
from prometheus_client import REGISTRY

from main.application import create_app
from main.util import cache
from main.util.cache import cached
from main.util.config import SettingError
from main.util.observability import timed
from test.case import ServiceCase


@cached(ttl=60)
def answer() -> int:
    return 42


@timed
def work() -> None: ...


def count(metric: str, function: str, outcome: str) -> float:
    """Return how many calls of a function of this module a metric has counted."""
    labels = {"callable": f"{__name__}.{function}", "outcome": outcome}
    return REGISTRY.get_sample_value(metric, labels) or 0.0


class TestObservers(ServiceCase):
    """create_app() registers the metrics as observers."""

    def test_a_timed_call_is_measured_once_however_many_applications_there_are(self) -> None:
        create_app()
        before = count("call_duration_seconds_count", "work", "ok")
        work()
        self.assertEqual(count("call_duration_seconds_count", "work", "ok"), before + 1)

    def test_a_cached_call_is_counted_by_its_outcome(self) -> None:
        before = count("cache_calls_total", "answer", "hit")
        answer()
        answer()
        self.assertEqual(count("cache_calls_total", "answer", "hit"), before + 1)


class TestCookies(unittest.TestCase):
    """Cookies that a service sets have safe attributes."""

    def test_a_cookie_stays_out_of_scripts_plain_http_and_other_sites(self) -> None:
        app = create_app()
        with app.test_request_context():
            response = app.make_response("")
        response.set_cookie("theme", "dark")
        response.set_cookie("csrf", "1", httponly=False)
        theme, csrf = response.headers.getlist("Set-Cookie")
        self.assertEqual(theme, "theme=dark; Secure; HttpOnly; Path=/; SameSite=Lax")
        self.assertEqual(csrf, "csrf=1; Secure; Path=/; SameSite=Lax")

    def test_a_session_cookie_stays_out_of_scripts_plain_http_and_other_sites(self) -> None:
        app = create_app()
        app.secret_key = secrets.token_bytes()
        sessions = SecureCookieSessionInterface()
        with app.test_request_context():
            session = sessions.open_session(app, request)
            assert session is not None
            session["user"] = "alice"
            response = app.response_class()
            sessions.save_session(app, session, response)
        attributes = response.headers["Set-Cookie"].split("; ")
        self.assertLessEqual({"Secure", "HttpOnly", "SameSite=Lax"}, set(attributes))


class TestStart(unittest.TestCase):
    """create_app() ends the start if the service could not work."""

    def test_a_store_that_cannot_be_used_is_an_error(self) -> None:
        error = SettingError("APP_CACHE_SIZE is larger than the disk.")
        with (
            mock.patch.object(cache, "create_cache", side_effect=error),
            self.assertRaises(SettingError),
        ):
            create_app()
