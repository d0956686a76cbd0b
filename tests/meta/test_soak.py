"""The soak: its statistics, its report, and one minute of it."""

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.project import ROOT, Bake, patched_copy
from harness.requirements import require
from tools.soak.report import SERIES, Report
from tools.soak.runner import soak
from tools.soak.trend import Trend, fit

FLAT = Trend(mean=100.0, slope=0.0, standard_error=0.1, seconds=40.0)
RISING = Trend(mean=100.0, slope=1.0, standard_error=0.1, seconds=40.0)
# The sample's controller with a leak of 150 kB a request.
LEAK = {
    '@blueprint.get("")': 'LEAK = []\n\n\n@blueprint.get("")',
    "    max_age =": '    LEAK.append(b"x" * 150_000)\n    max_age =',
}
DURATIONS = pytest.mark.parametrize("seconds", [20, 40, 570])


def _series(height: Callable[[int], float], seconds: int = 40, seed: int = 0) -> list[float]:
    """Return one noisy sample a second of about 200 MB plus the height at that second."""
    noise = random.Random(seed)  # noqa: S311
    return [200 + height(second) + noise.gauss(0, 2) for second in range(seconds)]


def _saw_tooth(height: float, period: int, phase: int = 0) -> Callable[[int], float]:
    """Return a function that climbs to `height` in each period of that many seconds."""
    return lambda second: height * ((second + phase) % period) / period


@DURATIONS
@pytest.mark.parametrize("tooth", [0, 40], ids=["steady", "saw-tooth"])
def test_a_rise_is_found(seconds: int, tooth: int) -> None:
    """A saw-tooth does not hide it."""
    saw_tooth = _saw_tooth(tooth, seconds // 8)
    for seed in range(50):
        rising = _series(lambda at: 30 * at / seconds + saw_tooth(at), seconds, seed)
        assert fit(rising, seconds).rises


@DURATIONS
def test_noise_is_not_a_rise(seconds: int) -> None:
    """The threshold lets noise pass in almost every run."""
    assert not any(fit(_series(lambda _: 0, seconds, n), seconds).rises for n in range(500))


@pytest.mark.parametrize("period", [3, 4, 5, 7, 8, 10, 13, 20])
def test_a_saw_tooth_is_not_a_rise(period: int) -> None:
    """Recycled workers and reloads make one; it may begin and end anywhere in a period."""
    for phase in range(period):
        for seed in range(20):
            series = _series(_saw_tooth(100, period, phase), seed=seed)
            assert not fit(series, 40).rises


def test_a_fall_is_not_a_rise() -> None:
    """Memory that is given back is not a leak."""
    assert not fit(_series(lambda at: -2 * at), 40).rises


def _report(errors: Counter[str] | None = None, trends: list[Trend] | None = None) -> Report:
    """Return the report of a service that kept its promises, except for the arguments."""
    return Report(
        seconds=40.0,
        responses=Counter(hello=100),
        errors=errors or Counter(),
        slowest=0.1,
        events=Counter(),
        trends=trends or [FLAT] * len(SERIES),
    )


def test_a_clean_report_has_no_failures() -> None:
    """Neither its counts nor its trends break a promise."""
    assert list(_report().failures()) == []


def test_errors_are_a_failure() -> None:
    """The sentence names the first kind of error."""
    failures = list(_report(errors=Counter({"hello: status 502": 2})).failures())
    assert failures == ["2 errors, such as 'hello: status 502'"]


@pytest.mark.parametrize("name", SERIES)
def test_growth_is_a_failure(name: str) -> None:
    """The sentence names the series."""
    trends = [RISING if each == name else FLAT for each in SERIES]
    assert list(_report(trends=trends).failures()) == [f"{name} rose by 40% within 40 s"]


def test_errors_and_broken_lines_of_the_log_are_failures(tmp_path: Path) -> None:
    """Errors during the start are not."""
    startup = '{"level":"ERROR","event":"nobody.there"}\n'
    rest = '{"level":"ERROR","event":"request.failed"}\n{"a":1}\n[]\nTraceback\n{"cut"'
    log = tmp_path / "log"
    log.write_text(startup + rest)
    report = _report()
    report.read_log(log, len(startup))
    assert report.log_lines == 6
    assert report.errors == {"logged: request.failed": 1}
    assert report.broken_lines == ["b'[]\\n'", "b'Traceback\\n'", "b'{\"cut\"'"]
    assert len(list(report.failures())) == 2


@pytest.mark.full
def test_a_service_survives_one_minute_of_load_and_chaos() -> None:
    """Both parts of the soak inject every kind of fault, and find neither errors nor growth."""
    require("redis-server")
    done = subprocess.run(
        [sys.executable, "-m", "tools.soak", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "Passed: no errors, no growth, every log line is JSON." in done.stdout
    tables = re.findall(r"^== (?s:.*?)^log lines .*$", done.stdout, re.MULTILINE)
    recycled, long_lived = tables
    for table, seconds in ((recycled, 40), (long_lived, 20)):
        _assert_complete(table, seconds)
    for event in ("worker recycled", "uWSGI reloaded"):
        assert event in recycled
        assert event not in long_lived


def _assert_complete(table: str, seconds: int) -> None:
    """Assert that a table shows a run of that length, its chaos, no errors, and all series."""
    duration = re.search(r"^responses +[\d,]+ in (\d+) s, \d+ a second$", table, re.MULTILINE)
    assert duration, table
    assert seconds <= int(duration[1]) < seconds + 15
    assert re.search(r"^errors +0$", table, re.MULTILINE)
    for name, (unit, per, _) in SERIES.items():
        number = r"[\d,]+\.\d+"
        line = rf"^{name} +{number} {unit}, slope [+-]{number} ± {number} a {per}, "
        assert re.search(line, table, re.MULTILINE), table
    assert re.search(r"^log lines +[\d,]+, 0 not JSON objects$", table, re.MULTILINE)
    for event in ("cache killed", "cache frozen", "pool process killed"):
        assert event in table


@pytest.mark.full
def test_a_leak_is_found_within_20_seconds(installed: Bake, tmp_path: Path) -> None:
    """Each greeting leaks 150 kB; memory is the only failure."""
    project = installed(cache_backend="redis")
    leaky = patched_copy(project, tmp_path / "leaky", "main/controller/hello.py", LEAK)
    report = soak(leaky, 20, recycling=False)
    failures = list(report.failures())
    assert len(failures) == 1, "\n".join(report.rows())
    assert re.fullmatch(r"memory rose by \d+% within 10 s", failures[0])
