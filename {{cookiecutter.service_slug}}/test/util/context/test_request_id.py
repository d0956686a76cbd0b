"""Tests of request ids."""

from main.util.context import current_request_id, start_request_id
from test.case import IsolatedCase


class TestRequestId(IsolatedCase):
    """The id of a new request."""

    def test_a_well_formed_id_is_accepted(self) -> None:
        for given in ("Abc-123._", "x" * 8, "x" * 64):
            self.assertEqual(start_request_id(given), given)
            self.assertEqual(current_request_id.get(), given)

    def test_any_other_id_is_replaced(self) -> None:
        odd = ("", "short", "x" * 7, "x" * 65, 'a";drop table', "äöüäöüäöü", "{jndi:ldap://x}")
        for given in odd:
            with self.subTest(given):
                self.assertRegex(start_request_id(given), r"\A[0-9a-f]{32}\Z")
