"""Tests that the limits of several files agree; docs/operations.md lists them."""

import re
import tomllib
import unittest
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| \d+ s, .* \| `(\w+)` \| `(\S+)`.* \|$", re.MULTILINE)


def text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


class TestLimits(unittest.TestCase):
    def test_each_timeout_is_longer_than_the_one_inside_it(self) -> None:
        section = text("docs/operations.md").split("## Limits")[1].split("## Bounds")[0]
        timeouts = {}
        for name, path in ROW.findall(section):
            (seconds,) = re.findall(rf"(?m)^ *{name}\W+(\d+)", text(path))
            timeouts[f"{name} in {path}"] = int(seconds)
        self.assertGreater(len(timeouts), 7)
        for inner, outer in pairwise(timeouts):
            self.assertLess(timeouts[inner], timeouts[outer], f"{inner} and {outer}")

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
