"""Tests of observers."""

import unittest

from main.util.observability import Observers


class TestObservers(unittest.TestCase):
    """Callbacks that are notified of an event."""

    def test_each_callback_is_notified(self) -> None:
        observers: Observers[[str]] = Observers()
        first: list[str] = []
        second: list[str] = []
        observers.register(first.append, second.append)
        observers.notify("event")
        self.assertEqual((first, second), (["event"], ["event"]))

    def test_registering_replaces_the_callbacks(self) -> None:
        observers: Observers[[str]] = Observers()
        events: list[str] = []
        for _ in range(2):
            observers.register(events.append)
        observers.notify("event")
        self.assertEqual(events, ["event"])
