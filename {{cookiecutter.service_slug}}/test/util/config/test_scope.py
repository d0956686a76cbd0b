"""Tests of scopes."""

from contextvars import Context, copy_context
from dataclasses import dataclass
from unittest import mock

from main.util.config import Scope, current_scope, integer, setting
from test.case import IsolatedCase


@dataclass(frozen=True, kw_only=True)
class Size:
    """A size."""

    size: int = setting("APP_SIZE", "1", integer(0, 9), "A size.")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Settings with a nested group."""

    size: Size


def new_list(settings: Size) -> list[int]:
    return [0] * settings.size


class TestScope(IsolatedCase):
    """Settings and the objects built from them."""

    def test_objects_are_built_from_the_settings_of_the_scope(self) -> None:
        scope = Scope(Group(size=Size(size=2)))
        self.assertEqual(scope.get(new_list, Size), [0, 0])

    def test_an_object_is_built_once_in_each_scope(self) -> None:
        scope = Scope(Size(size=0))
        self.assertIs(scope.get(new_list, Size), scope.get(new_list, Size))
        self.assertIsNot(scope.get(new_list, Size), Scope(Size(size=0)).get(new_list, Size))

    def test_a_scope_without_settings_loads_them_once_from_the_environment(self) -> None:
        scope = Scope()
        with mock.patch.dict("os.environ", APP_SIZE="3"):
            self.assertEqual(scope.settings(Size).size, 3)
        self.assertEqual(scope.settings(Size).size, 3)

    def test_a_replacement_is_used_instead_of_the_factory(self) -> None:
        scope = Scope(Size(size=2))
        scope.put(new_list, [7])
        self.assertEqual(scope.get(new_list, Size), [7])

    def test_the_default_applies_where_no_scope_is_active(self) -> None:
        scope = Scope()
        self.addCleanup(Scope().make_default)
        scope.make_default()
        self.assertIs(Context().run(current_scope), scope)
        self.assertIsNot(current_scope(), scope)

    def test_activate_changes_the_calling_context_only(self) -> None:
        scope, before = Scope(), current_scope()
        context = copy_context()
        context.run(scope.activate)
        self.assertIs(context.run(current_scope), scope)
        self.assertIs(current_scope(), before)
