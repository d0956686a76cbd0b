"""Tests of the marks of views."""

import unittest
from typing import Any

from flask.views import MethodView

from main.util.web.auth import public, requires
from main.util.web.auth.access import required_scopes


class Items(MethodView):
    def get(self) -> None: ...

    @public
    def put(self) -> None: ...

    @requires("items:write", "items:read")
    def post(self) -> None: ...


@public
class PublicItems(MethodView):
    def get(self) -> None: ...

    @requires("items:write")
    def post(self) -> None: ...


@requires("items:read")
def items() -> None: ...


class TestRequiredScopes(unittest.TestCase):
    """required_scopes() returns what the marks say, and no scopes without a mark."""

    def test_a_mark_applies_to_a_function_or_a_method_or_all_methods_of_a_class(self) -> None:
        view: Any
        scopes: frozenset[str] | None
        for view, method, scopes in (
            (Items, "GET", frozenset()),
            (Items, "HEAD", frozenset()),
            (Items, "OPTIONS", frozenset()),
            (Items, "PUT", None),
            (Items, "POST", frozenset({"items:read", "items:write"})),
            (PublicItems, "GET", None),
            (PublicItems, "HEAD", None),
            (PublicItems, "POST", frozenset({"items:write"})),
            (items, "GET", frozenset({"items:read"})),
            (lambda: None, "GET", frozenset()),
        ):
            with self.subTest(view, method=method):
                registered = view.as_view("view") if hasattr(view, "as_view") else view
                self.assertEqual(required_scopes(registered, method), scopes)

    def test_two_marks_are_an_error(self) -> None:
        with self.assertRaisesRegex(TypeError, r"items must have one of @public and @requires"):
            public(items)
