"""The time of a whole call is limited, however slowly its reply arrives."""

import socket
import threading
import time
import unittest
from contextlib import suppress
from unittest import mock

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.cache.timed_socket import TIMEOUT, TimedSocket, start_call


class TestTimedSocket(unittest.TestCase):
    def setUp(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)

    def test_data_is_not_returned_after_the_end_of_the_call(self) -> None:
        timed = TimedSocket(self.ours)
        timed.settimeout(1)
        self.theirs.send(b"late")
        start_call()
        now = time.monotonic()
        with mock.patch("time.monotonic", return_value=now + 1), self.assertRaises(TimeoutError):
            timed.recv(100)

    def test_an_idle_connection_can_be_checked_at_any_time(self) -> None:
        timed = TimedSocket(self.ours)
        timed.settimeout(0)
        self.theirs.close()
        start_call()
        now = time.monotonic()
        with mock.patch("time.monotonic", return_value=now + 1):
            self.assertEqual(timed.recv(100), b"")

    def test_a_reply_that_trickles_in_raises_timeout_error(self) -> None:
        def trickle() -> None:
            with suppress(OSError):
                for _ in range(40):
                    time.sleep(TIMEOUT / 10)
                    self.theirs.send(b"+")

        thread = threading.Thread(target=trickle)
        self.addCleanup(thread.join)
        # redis-py offers no public way to wrap its sockets: this fails if ours has no effect.
        with mock.patch("redis.connection.Connection._connect", return_value=self.ours):
            self.ours.settimeout(TIMEOUT)
            thread.start()
            started = time.monotonic()
            with self.assertRaisesRegex(Exception, "(?i)timeout"):
                CacheStore(CacheSettings()).get("key")
            self.assertLess(time.monotonic() - started, 3 * TIMEOUT)
