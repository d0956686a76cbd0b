"""The time of a whole call is limited, however slowly its reply arrives."""

import socket
import threading
import time
import unittest
from unittest import mock

from main.util.cache.backend import CacheSettings, CacheStore
from main.util.cache.timed_socket import TIMEOUT, TimedSocket, start_call
from test.util.cache.memcached_case import FakeClient


class TestTimedSocket(unittest.TestCase):
    def setUp(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.addCleanup(self.ours.close)
        self.addCleanup(self.theirs.close)

    def test_the_client_uses_it(self) -> None:
        with mock.patch("pymemcache.client.hash.PooledClient", FakeClient):
            CacheStore(CacheSettings())
        created = FakeClient.options["socket_module"].socket(socket.AF_INET)
        self.addCleanup(created.close)
        self.assertIsInstance(created, TimedSocket)
        self.assertEqual(FakeClient.options["connect_timeout"], TIMEOUT)

    def test_data_is_not_returned_after_the_end_of_the_call(self) -> None:
        timed = TimedSocket(self.ours)
        timed.settimeout(1)
        self.theirs.send(b"late")
        start_call()
        now = time.monotonic()
        with mock.patch("time.monotonic", return_value=now + 1), self.assertRaises(TimeoutError):
            timed.recv(100)

    def test_a_reply_that_trickles_in_raises_timeout_error(self) -> None:
        def trickle() -> None:
            for _ in range(20):
                time.sleep(TIMEOUT / 10)
                self.theirs.send(b"V")

        timed = TimedSocket(self.ours)
        timed.settimeout(TIMEOUT)
        start_call()
        thread = threading.Thread(target=trickle)
        thread.start()
        self.addCleanup(thread.join)
        started = time.monotonic()
        with self.assertRaises(TimeoutError):
            while True:
                timed.recv(4096)
        self.assertLess(time.monotonic() - started, 2 * TIMEOUT)
