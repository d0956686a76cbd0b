"""Uses the recipes of docs/recipes.md; a test copies it over main/wsgi.py.

main/service/notes.py is NOTES of tests/live/test_recipes.py.
"""

import time
from typing import Any

from flask import request
from main.application import create_app
from main.service import notes
from main.service.database import engine
from main.service.jobs import queue
from main.util.context import deadline
from sqlalchemy import text
from sqlalchemy.orm import Session

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

app = create_app()
app.extensions["scope"].make_default()
# uWSGI forks after this line.
assert engine.cache_info().currsize == 0


@app.post("/notes")
def add_note() -> dict[str, Any]:
    """Store a note."""
    notes.add(request.get_data(as_text=True))
    return {}


@app.get("/notes")
def list_notes() -> dict[str, Any]:
    """Return the texts of all notes."""
    return {"notes": notes.texts()}


@app.post("/jobs")
def add_job() -> dict[str, Any]:
    """Let a job store a note."""
    queue().enqueue(notes.add, request.get_data(as_text=True), job_timeout=60)
    return {}


@app.get("/endless")
def run_endless_statement() -> dict[str, Any]:
    """Run a statement until the deadline, a short one."""
    with deadline.timeout(0.2), Session(engine()) as session:
        session.execute(text(ENDLESS))
    return {}


@app.get("/slow")
def sleep() -> dict[str, Any]:
    """Answer late."""
    time.sleep(26)
    return {}


@app.get("/broken")
def divide() -> float:
    """Raise an exception; its local variable must not leave the service."""
    password = request.headers["Authorization"]
    return len(password) / 0
