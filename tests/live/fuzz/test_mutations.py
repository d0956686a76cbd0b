"""Randomly mutated HTTP requests to the nginx of a running service."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.raw_http import assert_logged, assert_unharmed, exchange, is_server_failure
from harness.stack import Stack
from tests.live.fuzz.http_mutations import mutated_request

pytestmark = pytest.mark.full

REQUESTS = 1000


def test_mutated_requests_are_answered_or_time_out(attacked: Stack) -> None:
    """None fails in the service; each response is logged."""
    before = len(attacked.lines(event="request.served"))
    requests = map(mutated_request, range(REQUESTS))
    with ThreadPoolExecutor(32) as executor:
        exchanges = list(executor.map(lambda request: exchange(attacked, request), requests))
    assert_logged(attacked, *exchanges)
    # A response to HTTP/0.9 has no status.
    without_status = sum(bool(each.received) and not each.statuses for each in exchanges)
    responses = sum(len(each.statuses) for each in exchanges) + without_status
    assert len(attacked.lines(event="request.served")) >= before + responses
    statuses = {status for each in exchanges for status in each.statuses}
    assert not any(map(is_server_failure, statuses))
    # The mutations leave some requests valid and make the others wrong in several ways.
    assert statuses >= {200, 400, 404, 405, 422}
    assert_unharmed(attacked, "/smuggled")
