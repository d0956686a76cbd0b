import os
import signal
import sys
import threading
import unittest
from typing import Any
from unittest import mock

from main.util.context import deadline
from main.util.web import watchdog


@unittest.skipIf(sys.platform == "win32", "no server forks workers there")
class TestWatchdog(unittest.TestCase):
    def test_a_hanging_request_is_logged_with_its_stack_and_ends_the_process(self) -> None:
        watchdog.running[1] = (0.0, "of-the-parent-process")

        def hang(_: Any) -> None:
            self.assertEqual(watchdog.running, {})
            watchdog.running[threading.get_ident()] = (0.0, "that-hangs")

        with (
            mock.patch.object(watchdog, "sleep", hang),
            mock.patch.object(watchdog, "observe_load", side_effect=[OSError]) as observe,
            mock.patch("os.kill") as kill,
            self.assertLogs("main.util.web.watchdog", "ERROR") as logs,
        ):
            watchdog.start()
            for thread in threading.enumerate():
                if thread.name == "watchdog":
                    thread.join()
        self.addCleanup(watchdog.running.clear)
        ((active_requests, queued_tasks),) = (call.args for call in observe.call_args_list)
        self.assertEqual(active_requests, 0)
        self.assertEqual(dict(queued_tasks), {"threads": 0, "processes": 0})
        (record,) = map(vars, logs.records)
        self.assertEqual((record["msg"], record["request_id"]), ("request.hangs", "that-hangs"))
        self.assertIn("in _watch", record["stack"])
        kill.assert_called_once_with(os.getpid(), signal.SIGKILL)

    def test_a_request_that_keeps_its_deadline_does_not_hang(self) -> None:
        self.addCleanup(watchdog.running.clear)
        late = watchdog.HANG_TIMEOUT + 1
        for age, hanging in ((deadline.REQUEST_TIMEOUT, []), (late, ["12345678"])):
            watchdog.running[threading.get_ident()] = (100.0 - age, "12345678")
            with mock.patch.object(watchdog, "monotonic", return_value=100.0):
                self.assertEqual(list(watchdog.find_hanging()), hanging)
