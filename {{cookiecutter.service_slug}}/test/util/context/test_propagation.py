"""Tests of context propagation."""

from main.util.context import PropagatedContext, current_request_id, deadline
from test.case import IsolatedCase


def observe() -> tuple[str | None, float]:
    return current_request_id.get(), deadline.remaining()


class TestPropagation(IsolatedCase):
    """A task in another process knows about the request that it belongs to."""

    def test_the_request_id_and_the_deadline_are_passed(self) -> None:
        current_request_id.set("from-the-caller")
        deadline.start(10)
        captured = PropagatedContext.capture()
        current_request_id.set("of-the-worker")
        deadline.start(99)
        request_id, remaining = captured.run(observe)
        self.assertEqual(request_id, "from-the-caller")
        self.assertAlmostEqual(remaining, 10, delta=1)

    def test_the_context_of_the_worker_is_unchanged_afterwards(self) -> None:
        PropagatedContext("from-the-caller", 1).run(observe)
        self.assertEqual(observe(), (None, float("inf")))
