from main.util.context import PropagatedContext, current_trace, start_trace
from main.util.context.trace import Trace
from test.case import IsolatedCase

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


def started(traceparent: str, tracestate: str = "", new_id: str = "") -> Trace:
    """Start a trace for a request with these headers; return it."""
    start_trace(traceparent, tracestate, new_id)
    trace = current_trace.get()
    assert trace
    return trace


class TestTrace(IsolatedCase):
    def test_a_well_formed_trace_is_continued(self) -> None:
        for traceparent, flags in (
            (TRACEPARENT, "01"),
            (f"00-{TRACE_ID}-{PARENT_ID}-00", "00"),
            (f"00-{TRACE_ID}-{PARENT_ID}-fe", "00"),  # unknown flags are not passed on
            (f"cc-{TRACE_ID}-{PARENT_ID}-ff", "01"),
            (f"cc-{TRACE_ID}-{PARENT_ID}-01-of-a-later-version", "01"),
        ):
            with self.subTest(traceparent):
                self.assertEqual(started(traceparent, "a=1"), (TRACE_ID, flags, "a=1"))

    def test_a_malformed_trace_is_replaced_with_its_state(self) -> None:
        for traceparent in (
            "",
            "ff" + TRACEPARENT[2:],
            TRACEPARENT.upper(),
            TRACEPARENT + "-more",
            TRACEPARENT + "-",
            TRACEPARENT[:-1],
            f"cc-{TRACE_ID}-{PARENT_ID}-01.more",
            f"00-{'0' * 32}-{PARENT_ID}-01",
            f"00-{TRACE_ID}-{'0' * 16}-01",
            f"{TRACEPARENT}, {TRACEPARENT}",
            f"00-{TRACE_ID}-{PARENT_ID}-0x",
        ):
            with self.subTest(traceparent):
                trace = started(traceparent, "a=1")
                self.assertRegex(trace.trace_id, r"\A[0-9a-f]{32}\Z")
                self.assertNotEqual(trace.trace_id, TRACE_ID)
                self.assertEqual(trace[1:], ("00", ""))

    def test_a_new_trace_has_the_given_id(self) -> None:
        self.assertEqual(started("", new_id="of-nginx").trace_id, "of-nginx")
        self.assertEqual(started(TRACEPARENT, new_id="of-nginx").trace_id, TRACE_ID)

    def test_a_state_that_is_long_or_not_ascii_is_dropped(self) -> None:
        for state, passed_on in (("a" * 512, "a" * 512), ("a" * 513, ""), ("é=1", "")):
            self.assertEqual(started(TRACEPARENT, state).state, passed_on)

    def test_each_call_of_an_upstream_has_a_parent_id_of_its_own(self) -> None:
        trace = started(TRACEPARENT, "a=1")
        parents = set()
        for _ in range(2):
            headers = trace.headers()
            self.assertEqual(headers["tracestate"], "a=1")
            version, trace_id, parent_id, flags = headers["traceparent"].split("-")
            self.assertEqual((version, trace_id, flags), ("00", TRACE_ID, "01"))
            self.assertRegex(parent_id, r"\A[0-9a-f]{16}\Z")
            parents.add(parent_id)
        self.assertEqual(len(parents - {PARENT_ID}), 2)
        self.assertEqual(list(started("").headers()), ["traceparent"])

    def test_a_task_belongs_to_the_trace_of_the_caller(self) -> None:
        trace = started(TRACEPARENT)
        captured = PropagatedContext.capture()
        started("")
        self.assertEqual(captured.run(current_trace.get), trace)
