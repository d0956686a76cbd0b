"""Tests of the JSON provider."""

import unittest
from dataclasses import dataclass
from datetime import date

from flask import Flask, json, jsonify

from main.util.web.json import MsgspecJSONProvider, json_response


@dataclass
class Pet:
    name: str
    born: date


class TestJSON(unittest.TestCase):
    """Flask's functions for JSON use msgspec."""

    def setUp(self) -> None:
        app = Flask(__name__)
        app.json = MsgspecJSONProvider(app)
        context = app.test_request_context()
        context.push()
        self.addCleanup(context.pop)

    def test_dates_and_dataclasses_are_encoded(self) -> None:
        text = json.dumps(Pet("Rex", date(2026, 1, 2)))
        self.assertEqual(json.loads(text), {"name": "Rex", "born": "2026-01-02"})

    def test_jsonify_creates_a_response(self) -> None:
        response = jsonify(name="Zoë")
        self.assertEqual(response.get_data(), '{"name":"Zoë"}'.encode())
        self.assertEqual(response.content_type, "application/json")

    def test_a_response_without_content_has_no_length(self) -> None:
        _, _, headers = json_response(None, 204).get_wsgi_response({"REQUEST_METHOD": "GET"})
        self.assertNotIn("Content-Length", dict(headers))
