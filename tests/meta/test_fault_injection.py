"""Faults, planted one at a time: the test that is there for each fails, and does so for that."""

import ast
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.environment import run
from harness.project import BUILD, ROOT, TEMPLATE, Bake

pytestmark = pytest.mark.slow

HELLO = "_options/sample_api/yes/main/controller/hello.py"
PRIMES = "_options/sample_api/yes/main/service/primes.py"
FILES = "_options/cache_backend/file/main/util/cache_backend.py"
LOCK = "_options/cache_backend/memory/requirements.txt"
GITHUB = "_options/ci/github/.github/workflows/ci.yml"
GITLAB = "_options/ci/gitlab/.gitlab-ci.yml"
POD = "deploy/k8s/deployment.yaml"

# Those of the first requirement, whichever that is by now.
HASHES = re.findall(r" \\\n(?:    --hash=\S+(?: \\)?\n)+", (TEMPLATE / LOCK).read_text("utf-8"))[0]


class Fault(NamedTuple):
    """A change of one text in the template, and what has to fail then.

    `seen_by` is a test of the template (tests/…), one of the service (test/…), or a command that
    its team types. `file` is a path in the template's folder of the service.
    """

    name: str
    seen_by: str
    file: str
    before: str
    after: str

    @property
    def is_for_the_template(self) -> bool:
        """Tell whether it is seen by a test of the template."""
        return self.seen_by.startswith("tests/")

    @property
    def place(self) -> tuple[dict[str, str], str]:
        """Return the answers that make a service with the file, and where it has it."""
        if not self.file.startswith("_options/"):
            return {}, self.file
        _, option, choice, path = self.file.split("/", 3)
        return {option: choice}, path

    @property
    def words(self) -> list[str]:
        """Return the command that sees it."""
        if "::" not in self.seen_by:
            return self.seen_by.split()
        python = sys.executable if self.is_for_the_template else "python"
        return [python, "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", self.seen_by]

    @property
    def complaint(self) -> str:
        """Return the pattern of what that prints: a test that failed, or the file's path."""
        if "::" not in self.seen_by:
            return re.escape(self.place[1])
        return rf"→ 1\n(?s:.*)FAILED.* {re.escape(self.seen_by)}"


FAULTS = [
    # What `make lint` and the gate of `make test` are there for.
    Fault(
        "an unformatted file",
        "ruff format --check .",
        HELLO,
        'return {"message"',
        "return {'message'",
    ),
    Fault(
        "an import that nobody needs",
        "ruff check .",
        "main/util/schema.py",
        "import msgspec\n",
        "import msgspec\nimport os\n",
    ),
    Fault(
        "a type that does not fit",
        "mypy main",
        "main/util/deadline.py",
        "REQUEST = 15.0",
        'REQUEST: float = "15"',
    ),
    Fault(
        "a branch without a test",
        "pytest --cov=main.util.deadline --cov-report=term-missing test/util/test_deadline.py",
        "main/util/deadline.py",
        "    return max(0.0, _deadline.get() - monotonic())",
        "    left = _deadline.get() - monotonic()\n"
        "    if left < -1e9:\n        return 0.0\n    return max(0.0, left)",
    ),
    # Requests.
    Fault(
        "a broken handler",
        "test/controller/test_hello.py::TestHello::test_it_greets_the_world_or_somebody",
        HELLO,
        "query['name']",
        "query['nmae']",
    ),
    Fault(
        "an operation without documentation",
        "test/controller/test_docs.py::TestDocument"
        "::test_every_operation_is_told_in_words_and_with_its_errors",
        HELLO,
        '        """Greet somebody."""\n',
        "",
    ),
    Fault(
        "a problem without its content type",
        "test/util/test_problems.py::TestProblems::test_an_unknown_path",
        "main/util/problems.py",
        ", content_type=MEDIA_TYPE)",
        ")",
    ),
    Fault(
        "another service's words in an answer",
        "test/util/test_problems.py::TestProblems::test_another_service_that_fails",
        "main/util/problems.py",
        "error.summary",
        "str(error)",
    ),
    Fault(
        "a request without a deadline",
        "test/util/test_deadline.py::TestRequests::test_a_request_has_a_deadline",
        "main/application.py",
        "    deadline.init_app(app)\n",
        "",
    ),
    Fault(
        "settings that are read for nothing",
        "test/util/test_config.py::TestUse::test_each_part_has_its_own",
        "main/application.py",
        "    logs.configure(settings.log_level)\n",
        "",
    ),
    Fault(
        "a page without its policy",
        "test/controller/test_docs.py::TestPage::test_its_policy_is_strict",
        "main/controller/docs.py",
        '    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY\n',
        "",
    ),
    Fault(
        "durations that everybody is told",
        "test/util/test_config.py::TestLoading::test_defaults_are_good",
        "main/util/timing.py",
        '"APP_SERVER_TIMING",\n        "false"',
        '"APP_SERVER_TIMING",\n        "true"',
    ),
    Fault(
        "metrics for whoever asks",
        "test/util/test_metrics.py::TestScrape::test_the_public_gets_nothing",
        "main/util/metrics.py",
        '"OPS_LISTENER" not in request.environ',
        "not request.environ",
    ),
    Fault(
        "a label that callers make up",
        "test/util/test_metrics.py::TestRequests::test_callers_make_up_no_labels",
        "main/util/metrics.py",
        'method if method in METHODS else "other"',
        "method",
    ),
    # Settings and logs.
    Fault(
        "an unknown setting that nobody is warned of",
        "test/util/test_config.py::TestLoading::test_a_misspelt_variable_is_told",
        "main/application.py",
        "    config.warn_of_unknown(Settings, overrides)\n",
        "",
    ),
    Fault(
        "a secret in the sentence that refuses it",
        "test/util/test_config.py::TestLoading::test_a_secret_is_not_shown",
        "main/util/config.py",
        '"what it is now" if secret else repr(text)',
        "repr(text)",
    ),
    Fault(
        "a secret in a log line",
        "test/util/test_problems.py::TestProblems::test_what_callers_send_is_not_logged",
        "main/util/problems.py",
        '"errors": errors})',
        '"errors": errors, "headers": dict(__import__("flask").request.headers)})',
    ),
    Fault(
        "a token in what is told of another service",
        "test/util/test_http.py::TestBadAnswers::test_a_refusal_tells_no_credentials",
        "main/util/http.py",
        '{response.status_code}"\n',
        '{response.status_code} to {response.request.headers}"\n',
    ),
    Fault(
        "a log line without its request's id",
        "test/util/test_logs.py::TestLines::test_a_line_bears_the_request_id",
        "main/util/logs.py",
        "            record.request_id = current\n",
        "            pass\n",
    ),
    # The cache.
    Fault(
        "a ttl that is dropped",
        "test/util/test_cache.py::TestTime::test_a_result_is_fresh_for_its_ttl",
        "main/util/cache.py",
        "Entry(None if ttl is None else self.clock() + ttl, value)",
        "Entry(None, value)",
    ),
    Fault(
        "a ttl that is not the function's own",
        "test/service/test_primes.py::TestPrimes::test_an_answer_is_fresh_for_an_hour",
        PRIMES,
        "@cached(ttl=3600)",
        "@cached()",
    ),
    Fault(
        "a stale value that is never served",
        "test/util/test_cache.py::TestTime::test_a_stale_result_is_better_than_an_exception",
        "main/util/cache.py",
        'return ("stale", entry) if age < source.stale else ("miss", None)',
        'return "miss", None',
    ),
    Fault(
        "a store whose failure is the caller's",
        "test/util/test_cache.py::TestBrokenStore"
        "::test_no_call_fails_and_the_store_is_left_alone_for_a_while",
        "main/util/cache.py",
        "            return unusable.outcome, None\n",
        "            raise\n",
    ),
    Fault(
        "a lock that is never released",
        "test/util/test_cache.py::TestProcesses::test_a_turn_ends_also_with_an_exception",
        "main/util/cache.py",
        "            if release is not None:\n                self._try(None, release)\n",
        "",
    ),
    Fault(
        "a fork that waits for who is not there",
        "test/util/test_cache.py::TestProcesses::test_after_a_fork_nobody_is_waited_for",
        "main/util/cache.py",
        "        pid = os.getpid()\n",
        "        pid = 0\n",
    ),
    Fault(
        "a key without the digest of the code",
        "test/util/test_cache_codec.py::TestLabels::test_other_code_has_others",
        "main/util/cache_codec.py",
        ", key=_code(), digest_size=8",
        ", digest_size=8",
    ),
    Fault(
        "bytes of a store that are trusted",
        "test/util/test_cache_codec.py::TestEntries::test_whatever_happened_to_it_is_seen",
        "main/util/cache_codec.py",
        "crc32(packed, crc32(key.encode())) != RESIDUE",
        "len(packed) < CHECKSUM",
    ),
    Fault(
        "a folder of the cache that others read",
        "test/util/test_cache_backend.py::TestFolder::test_one_that_others_may_read_is_refused",
        FILES,
        " or stat.S_IMODE(found.st_mode) & 0o077",
        "",
    ),
    Fault(
        "a file of the cache that others read",
        "test/util/test_cache_backend.py::TestFolder::test_nobody_else_can_read_it",
        FILES,
        "os.O_RDWR | os.O_CREAT, 0o600",
        "os.O_RDWR | os.O_CREAT, 0o644",
    ),
    # Pools, and other services.
    Fault(
        "an error that a map swallows",
        "test/util/test_concurrency.py::TestThreads::test_the_first_error_is_raised",
        "main/util/concurrency.py",
        "                if not return_exceptions:\n                    raise\n",
        "",
    ),
    Fault(
        "a request's id that is lost on the way to a process",
        "test/util/test_concurrency.py::TestProcesses::test_the_request_id_goes_along",
        "main/util/lanes.py",
        "        logs.request_id.set(carried.request_id)\n",
        "",
    ),
    Fault(
        "a process of a pool that does not end with its worker",
        "test/util/test_pools.py::TestChild::test_it_logs_like_its_parent_and_leaves_ctrl_c_to_it",
        "main/util/pools.py",
        "    os._exit(1)\n",
        "    sys.exit(1)\n",
    ),
    Fault(
        "a process of a pool that is forked",
        "test/util/test_pools.py::TestPools::test_processes_are_never_forked",
        "main/util/pools.py",
        'get_context("spawn")',
        'get_context("fork")',
    ),
    Fault(
        "a call that may take as long as it likes",
        "test/util/test_http.py::TestBadAnswers::test_no_time_is_left",
        "main/util/http.py",
        "deadline.within(self.total)",
        "deadline.within(1e9)",
    ),
    Fault(
        "a redirect that is followed to another host",
        "test/util/test_http.py::TestBadAnswers::test_a_redirect_to_another_host",
        "main/util/http.py",
        "if _origin(target) == _origin(url):",
        "if _origin(target)[0]:",
    ),
    Fault(
        "a POST that is sent twice",
        "test/util/test_http.py::TestRetries::test_a_post_is_sent_once",
        "main/util/http.py",
        "self.retries if method in IDEMPOTENT else 0",
        "self.retries",
    ),
    Fault(
        "an answer without a bound",
        "test/util/test_http.py::TestBadAnswers::test_an_answer_that_is_too_large",
        "main/util/http.py",
        "len(body) > self.max_bytes",
        "len(body) > 2**40",
    ),
    # Limits that stand in several files.
    Fault(
        "no budget for a worker that hangs",
        "tests/test_budgets.py::test_who_waits_is_more_patient_than_who_works",
        "deploy/uwsgi.ini",
        "harakiri = 20\n",
        "",
    ),
    Fault(
        "a proxy that is less patient than the application",
        "tests/test_budgets.py::test_who_waits_is_more_patient_than_who_works",
        "deploy/nginx.conf",
        "uwsgi_read_timeout 25s;",
        "uwsgi_read_timeout 15s;",
    ),
    Fault(
        "bodies that only the application refuses",
        "tests/test_budgets.py::test_bodies",
        "deploy/nginx.conf",
        "client_max_body_size 1m;",
        "client_max_body_size 8m;",
    ),
    Fault(
        "an id that only nginx takes over",
        "tests/test_budgets.py::test_ids",
        "deploy/nginx.conf",
        "~^[A-Za-z0-9._-]{8,64}$",
        "~^[A-Za-z0-9._:-]{8,64}$",
    ),
    Fault(
        "a policy that is laxer behind nginx",
        "tests/test_budgets.py::test_the_policy_of_the_page",
        "deploy/nginx.conf",
        "img-src 'self' data:; connect-src 'self'; base-uri",
        "img-src * data:; connect-src 'self'; base-uri",
    ),
    Fault(
        "a report that Sonar looks for elsewhere",
        "tests/test_pipelines.py::test_the_analysis_is_of_what_the_tests_hand_over",
        "sonar-project.properties",
        "reportPaths=coverage.xml",
        "reportPaths=reports/coverage.xml",
    ),
    # Rights.
    Fault(
        "a requirement without its hashes",
        "tests/test_source.py::test_locks_hold_every_requirement_by_hash_and_nothing_of_a_machine",
        LOCK,
        HASHES,
        "\n",
    ),
    Fault(
        "an image that runs as root",
        "tests/test_kubernetes.py::test_they_agree_with_the_other_files",
        "Dockerfile",
        "USER 10001:10001\n",
        "",
    ),
    Fault(
        "a container that may write to its own files",
        "tests/test_kubernetes.py::test_pods_may_do_nothing_but_their_work[memory]",
        POD,
        "            readOnlyRootFilesystem: true\n",
        "",
    ),
    Fault(
        "a pod that is never asked whether it is ready",
        "tests/test_kubernetes.py::test_a_busy_pod_is_not_killed",
        POD,
        "          readinessProbe:\n            httpGet: *readyz\n"
        "            periodSeconds: 5\n            timeoutSeconds: 3\n",
        "",
    ),
    Fault(
        "a busy pod that is killed",
        "tests/test_kubernetes.py::test_a_busy_pod_is_not_killed",
        POD,
        "path: /livez",
        "path: /readyz",
    ),
    Fault(
        "an update that begins by taking a pod away",
        "tests/test_kubernetes.py::test_a_pod_leaves_when_another_is_there[memory]",
        POD,
        "maxUnavailable: 0",
        "maxUnavailable: 1",
    ),
    Fault(
        "metrics on a port of the cluster",
        "tests/test_kubernetes.py::test_the_operations_port_is_for_who_operates[memory]",
        "deploy/k8s/service.yaml",
        "      targetPort: http\n",
        "      targetPort: http\n    - name: operations\n      port: 8081\n"
        "      targetPort: operations\n",
    ),
    Fault(
        "metrics on a port of the machine",
        "tests/test_containers.py::TestCompose::test_the_file_is_valid[memory]",
        "docker-compose.yml",
        '"127.0.0.1:${OPS_PORT',
        '"${OPS_PORT',
    ),
    Fault(
        "a pipeline that may write",
        "tests/test_lint.py::test_workflows_ask_for_little",
        GITHUB,
        "contents: read",
        "contents: write",
    ),
    Fault(
        "a pipeline without a linter",
        "tests/test_pipelines.py::test_no_check_is_left_out[github]",
        GITHUB,
        "      - run: make lint\n",
        "",
    ),
    Fault(
        "a job that wants a secret and has none",
        "tests/test_pipelines.py::test_no_token_no_analysis",
        GITLAB,
        "    - if: $SONAR_TOKEN\n",
        "    - when: always\n",
    ),
    # The stack.
    Fault(
        "a misspelt option of uWSGI",
        "tests/test_live_stack.py::TestStop::test_drain_delay[machine]",
        "deploy/uwsgi.ini",
        "post-buffering = ",
        "post-bufering = ",
    ),
    Fault(
        "an application that dies on TERM instead of being drained",
        "tests/test_live_stack.py::TestStop::test_ctrl_c[dash]",
        "deploy/uwsgi.ini",
        "master-fifo = $(RUN_DIR)/uwsgi.fifo\nhook-master-start = creat:$(RUN_DIR)/uwsgi.started\n",
        "die-on-term = true\n",
    ),
    Fault(
        "a balancer that is not told of the end",
        "tests/test_live_stack.py::TestStop::test_drain_delay[machine]",
        "deploy/entrypoint.sh",
        '    touch "$RUN_DIR/www/drain" #',
        "    : #",
    ),
    Fault(
        "an answer without its policy",
        "tests/test_live_stack.py::TestErrors::test_errors_of_the_application[machine]",
        "deploy/nginx.conf",
        "    add_header Content-Security-Policy $content_security_policy always;\n",
        "",
    ),
    Fault(
        "metrics on the public port",
        "tests/test_live_stack.py::TestAnswers::test_metrics_are_for_the_operations_port[machine]",
        "deploy/nginx.conf",
        'set $ops_listener "";',
        "set $ops_listener on;",
    ),
    Fault(
        "an id that does not reach the application",
        "tests/test_live_stack.py::TestErrors::test_errors_of_the_application[machine]",
        "deploy/nginx.conf",
        "    uwsgi_param HTTP_X_REQUEST_ID $id;\n",
        "",
    ),
    Fault(
        "credentials in nginx's log",
        "tests/test_live_stack.py::TestLog::test_credentials_are_in_no_line[machine]",
        "deploy/nginx.conf",
        '"user_agent":"$logged_agent"',
        '"user_agent":"$logged_agent","authorization":"$http_authorization"',
    ),
    Fault(
        "a person's answer that others get",
        "tests/test_live_stack.py::TestMicroCache::test_persons_do_not_fill_it[machine]",
        "deploy/nginx.conf",
        "uwsgi_no_cache $personal $not_public;",
        "uwsgi_no_cache $not_public;",
    ),
]


Copier = Callable[[Fault], Path]


@pytest.fixture(scope="module")
def copy(installed: Bake, tmp_path_factory: pytest.TempPathFactory) -> Copier:
    """Return a function that copies what sees a fault: the template, or a service."""
    left_out = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build")

    def copy(fault: Fault) -> Path:
        folder = tmp_path_factory.mktemp("fault") / "copy"
        if not fault.is_for_the_template:
            project = installed(**fault.place[0])
            shutil.copytree(project, folder, ignore=left_out)
            (folder / ".venv").symlink_to((project / ".venv").resolve())
            return folder
        shutil.copytree(ROOT, folder, ignore=left_out)
        # What is installed there is told apart by its locks.
        venvs = BUILD / "venvs"
        venvs.mkdir(parents=True, exist_ok=True)
        (folder / "build").mkdir()
        (folder / "build" / "venvs").symlink_to(venvs, target_is_directory=True)
        return folder

    return copy


@pytest.fixture(scope="module")
def look(copy: Copier) -> Callable[[Fault], None]:
    """Return a function that asserts that what sees a fault passes without it; once for each."""
    passed: set[tuple[str, str]] = set()

    def look(fault: Fault) -> None:
        key = fault.seen_by, str(fault.place[0])
        if key not in passed:
            printed = run(copy(fault), *fault.words)
            if "::" in fault.seen_by and " passed" not in printed:
                pytest.skip(printed)
            passed.add(key)

    return look


def plant(fault: Fault, folder: Path) -> None:
    """Change the text, which must stand there once."""
    path = folder / (TEMPLATE.name if fault.is_for_the_template else "")
    path /= fault.file if fault.is_for_the_template else fault.place[1]
    text = path.read_text("utf-8")
    assert text.count(fault.before) == 1, fault.before
    text = text.replace(fault.before, fault.after)
    if path.suffix == ".py":
        ast.parse(text)  # a fault, not rubbish
    path.write_text(text, "utf-8")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_seen(fault: Fault, copy: Copier, look: Callable[[Fault], None]) -> None:
    """By what is there to see it, which passes without the fault."""
    look(fault)
    folder = copy(fault)
    plant(fault, folder)
    with pytest.raises(AssertionError, match=fault.complaint):
        run(folder, *fault.words)
