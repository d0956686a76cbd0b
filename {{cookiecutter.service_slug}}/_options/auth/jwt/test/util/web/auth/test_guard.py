"""Tests of the guard: requests to an application with operations of each kind."""

from contextlib import suppress
from typing import Any
from unittest import mock

from flask import Response

from main.application import create_app
from main.util.config import NAME
from main.util.http_client import UpstreamTimeout
from main.util.web.auth import current_caller, public, requires
from main.util.web.auth.issuer import Issuer
from test.case import ServiceCase
from test.issuer import make_token

REALM = f'Bearer realm="{NAME}"'


def show_caller() -> dict[str, Any]:
    caller = current_caller()
    return {"subject": caller.subject, "scopes": sorted(caller.scopes)}


@requires("items:read", "items:write")
def scoped() -> str:
    return "scoped"


@public
def anonymous() -> str:
    with suppress(LookupError):
        return current_caller().subject
    return "nobody"


def cacheable(cache_control: str) -> Response:
    return Response(headers={"Cache-Control": cache_control})


class GuardCase(ServiceCase):
    """A test with an application that has the endpoints above."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        for view in (show_caller, scoped, anonymous):
            cls.app.add_url_rule(f"/{view.__name__}", view_func=view)
        cls.app.add_url_rule("/cacheable/<cache_control>", view_func=cacheable)

    def call(self, path: str, authorization: str = "") -> Any:
        return self.client.get(path, headers={"Authorization": authorization})

    def assert_refused(self, response: Any, status: int, challenge: str) -> None:
        self.assert_problem(response, status)
        self.assertEqual(response.headers.get_all("WWW-Authenticate"), [challenge])


class TestAuthorize(GuardCase):
    """A request needs a valid token with the required scopes, unless its operation is public."""

    def test_an_operation_without_a_mark_requires_a_token(self) -> None:
        for authorization in ("", "Basic dTpw", "Bear er"):
            self.assert_refused(self.call("/show_caller", authorization), 401, REALM)

    def test_a_valid_token_identifies_the_caller(self) -> None:
        for scheme in ("Bearer", "bearer", "BEARER "):
            response = self.call("/show_caller", f"{scheme} {make_token('a')}")
            self.assertEqual(response.get_json(), {"subject": "somebody", "scopes": ["a"]})

    def test_an_invalid_token_is_refused(self) -> None:
        detail = "The token has expired."
        challenge = f'{REALM}, error="invalid_token", error_description="{detail}"'
        response = self.call("/show_caller", f"Bearer {make_token(exp=1)}")
        self.assert_refused(response, 401, challenge)
        self.assertEqual(response.get_json()["detail"], detail)

    def test_every_scope_is_required(self) -> None:
        parameters = 'error="insufficient_scope", scope="items:read items:write"'
        detail = "The token lacks a scope that this operation requires."
        challenge = f'{REALM}, {parameters}, error_description="{detail}"'
        for scopes in ((), ("items:read",), ("other",)):
            response = self.call("/scoped", f"Bearer {make_token(*scopes)}")
            self.assert_refused(response, 403, challenge)
        token = make_token("items:write", "items:read", "other")
        self.assertEqual(self.call("/scoped", f"Bearer {token}").text, "scoped")

    def test_anything_but_one_token_in_the_header_is_a_bad_request(self) -> None:
        token = make_token()
        for path, authorization in (
            ("/show_caller", "Bearer"),
            ("/show_caller", f"Bearer {token}, Bearer {token}"),
            ("/show_caller", f"Bearer {token} {token}"),
            ("/show_caller", "Bearer t\u00f6ken"),
            (f"/show_caller?access_token={token}", ""),
            (f"/show_caller?a=1&access_token={token}", f"Bearer {token}"),
        ):
            with self.subTest(path[:30], authorization=authorization[:30]):
                response = self.call(path, authorization)
                self.assertIn('error="invalid_request"', response.headers["WWW-Authenticate"])
                self.assert_problem(response, 400)

    def test_a_public_operation_has_no_caller_and_ignores_tokens(self) -> None:
        for authorization in ("", "Bearer x", f"Bearer {make_token()}"):
            self.assertEqual(self.call("/anonymous", authorization).text, "nobody")

    def test_other_paths_and_methods_do_not_exist_for_anybody(self) -> None:
        self.assert_problem(self.call("/nothing"), 404)
        self.assert_problem(self.client.post("/scoped", headers={"Authorization": ""}), 405)

    def test_without_keys_a_request_is_unavailable_and_the_service_degraded(self) -> None:
        with mock.patch.object(Issuer, "fetch_keys", side_effect=UpstreamTimeout("late")):
            app = create_app()
            app.add_url_rule("/show_caller", view_func=show_caller)
            client = app.test_client()
            headers = {"Authorization": f"Bearer {make_token()}"}
            with self.assertLogs("main", "WARNING"):
                self.assert_problem(client.get("/show_caller", headers=headers), 503)
                ready = client.get("/readyz").get_json()
        self.assertEqual(ready["status"], "degraded")
        self.assertEqual(ready["checks"]["issuer"], "down")


class TestCacheControl(GuardCase):
    """Only the caller's own cache may keep the response to an authorized request."""

    def test_responses_are_private(self) -> None:
        for sent, received in (
            ("public, max-age=60", {"private", "max-age=60"}),
            ("public, max-age=60, s-maxage=90", {"private", "max-age=60"}),
            ("no-store", {"private", "no-store"}),
        ):
            response = self.client.get(f"/cacheable/{sent}")
            self.assertEqual(set(response.headers["Cache-Control"].split(", ")), received)
            self.assertEqual(response.headers["Vary"], "Authorization")
