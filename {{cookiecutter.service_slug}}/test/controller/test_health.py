"""Health."""

from unittest import mock

from main.controller import health
from test.case import ServiceCase


def down() -> None:
    raise ConnectionError("down")


class TestHealth(ServiceCase):
    """Liveness asks nobody; readiness asks every part."""

    def test_livez(self) -> None:
        response = self.client.get("/livez")
        self.assertEqual((response.status_code, response.get_json()), (200, {"status": "ok"}))

    def test_readyz_when_all_is_well(self) -> None:
        response = self.client.get("/readyz")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.get_json(), {"status": "ok", "parts": {"cache": "ok"}})

    def test_readyz_without_a_part_that_can_be_done_without(self) -> None:
        parts = {"cache": health.Part(down, needed=False)}
        with mock.patch.dict(health.PARTS, parts):
            response = self.client.get("/readyz")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(response.get_json(), {"status": "degraded", "parts": {"cache": "down"}})

    def test_readyz_without_a_needed_part(self) -> None:
        parts = {"database": health.Part(down, needed=True)}
        with mock.patch.dict(health.PARTS, parts):
            problem = self.assert_problem(self.client.get("/readyz"), 503)
        self.assertEqual(problem["parts"], {"cache": "ok", "database": "down"})
