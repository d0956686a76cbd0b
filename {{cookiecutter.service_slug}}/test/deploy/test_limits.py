"""Tests that limits agree, which several files repeat; docs/operations.md lists them."""

import re
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) s, .* \| `(\w+)` \| `(\S+)`.* \|$", re.MULTILINE)


def text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


class TestLimits(unittest.TestCase):
    def test_each_timeout_is_as_long_as_documented(self) -> None:
        rows = ROW.findall(text("docs/operations.md"))
        self.assertGreater(len(rows), 7)
        for seconds, name, path in rows:
            with self.subTest(f"{name} in {path} is {seconds}, as in docs/operations.md"):
                self.assertRegex(text(path), rf"(?m)^ *{name}\W+{seconds}(?!\d)")

    def test_each_timeout_is_longer_than_the_one_inside_it(self) -> None:
        rows = text("docs/operations.md").split("## Limits")[1].split("| bound |")[0]
        timeouts = [int(seconds) for seconds, _, _ in ROW.findall(rows)]
        self.assertEqual(timeouts, sorted(set(timeouts)), "docs/operations.md, Limits")

    def test_kubernetes_and_compose_wait_equally_long_for_a_stop(self) -> None:
        (compose,) = re.findall(r"stop_grace_period: (\d+)s", text("docker-compose.yml"))
        (kubernetes,) = re.findall(
            r"terminationGracePeriodSeconds: (\d+)", text("deploy/k8s/deployment.yaml")
        )
        self.assertEqual(compose, kubernetes, "docker-compose.yml and deploy/k8s/deployment.yaml")

    def test_nginx_and_flask_accept_bodies_of_one_size(self) -> None:
        (megabytes,) = re.findall(r"client_max_body_size (\d+)m;", text("deploy/nginx.conf"))
        flask = tomllib.loads(text("main/resources/flask.toml"))
        bytes_of_nginx = int(megabytes) * 1024 * 1024
        files = "deploy/nginx.conf and main/resources/flask.toml"
        self.assertEqual(bytes_of_nginx, flask["MAX_CONTENT_LENGTH"], files)
