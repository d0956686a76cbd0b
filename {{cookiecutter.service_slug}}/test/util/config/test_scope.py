"""Tests of scopes; those of main.settings cover where settings come from."""

from contextvars import Context, copy_context
from unittest import mock

from main.settings import Settings
from main.util.concurrency import PoolSettings
from main.util.config import Scope, current_scope, load
from test.case import IsolatedCase


class TestScope(IsolatedCase):
    def test_an_object_is_built_once_in_each_scope_from_its_settings(self) -> None:
        for threads in (1, 2):
            scope = Scope(load(Settings, {"APP_POOL_THREADS": str(threads)}))
            factory = mock.Mock()
            self.assertIs(scope.get(factory, PoolSettings), factory.return_value)
            self.assertIs(scope.get(factory, PoolSettings), factory.return_value)
            factory.assert_called_once_with(PoolSettings(threads=threads))

    def test_the_active_scope_of_a_context_precedes_the_default(self) -> None:
        scope, default = Scope(), Scope()
        self.addCleanup(Scope().make_default)
        default.make_default()
        context = copy_context()
        context.run(scope.activate)
        self.assertIs(context.run(current_scope), scope)
        self.assertIs(Context().run(current_scope), default)
        self.assertNotIn(current_scope(), (scope, default))
