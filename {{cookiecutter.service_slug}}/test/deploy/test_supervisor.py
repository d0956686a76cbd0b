"""Tests of the supervisor, with shell scripts in place of nginx and uWSGI."""

import os
import signal
import threading
import time
from pathlib import Path
from unittest import mock

from deploy import supervisor
from deploy.layout import Programs
from deploy.stack_settings import StackSettings
from deploy.supervisor import Supervisor
from test.deploy.case import NGINX, UWSGI, StackCase


class TestSupervisor(StackCase):
    """nginx and uWSGI are started, reloaded and stopped."""

    def supervise(self, output: int | None = None, **scripts: str) -> int:
        """Run the programs; return the exit status."""
        paths = {name: self.program(name, script) for name, script in scripts.items()}
        settings = StackSettings(str(self.run_dir), 16, False, 9001, 9002, 2, 4, 0)
        output = self.log.fileno() if output is None else output
        return Supervisor(settings, Programs(**paths), str(self.run_dir), output).run()

    def test_term_stops_both_programs(self) -> None:
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        self.assertEqual(self.supervise(nginx=NGINX, uwsgi=UWSGI), 0)
        (ready,) = [line for line in self.lines() if line["event"] == "stack.ready"]
        self.assertEqual(ready["url"], "http://127.0.0.1:9001/")
        self.assertTrue((self.run_dir / "www/drain").exists())
        self.assertIn("listen 9001;", (self.run_dir / "nginx.conf").read_text("utf-8"))

    def test_hup_reloads_both_programs(self) -> None:
        self.soon(
            self.has_logged("stack.ready"),
            self.sends(signal.SIGHUP),
            self.has_logged("stack.reloaded"),
            self.sends(signal.SIGTERM),
        )
        self.assertEqual(self.supervise(nginx=NGINX, uwsgi=UWSGI), 0)

    def test_a_reload_reminds_workers_that_go_on(self) -> None:
        # Its reload takes so long because a child ignores it until it gets HUP.
        waits = "sh -c 'trap exit HUP; while :; do sleep 0.1; done' & child=$!; wait $child; touch"
        self.soon(
            self.has_logged("stack.ready"),
            self.sends(signal.SIGHUP),
            self.has_logged("stack.reloaded"),
            self.sends(signal.SIGTERM),
        )
        script = UWSGI.replace("r) touch", f"r) {waits}")
        self.assertEqual(self.supervise(nginx=NGINX, uwsgi=script), 0)

    def test_hup_reloads_nginx_alone(self) -> None:
        self.soon(
            self.has_logged("stack.ready"),
            self.sends(signal.SIGHUP),
            self.has_logged("stack.reloaded"),
            self.sends(signal.SIGINT),
        )
        self.assertEqual(self.supervise(nginx=NGINX), 0)

    def test_hup_reloads_the_application_alone(self) -> None:
        self.soon(
            self.has_logged("stack.ready"),
            self.sends(signal.SIGHUP),
            self.has_logged("stack.reloaded"),
            self.sends(signal.SIGTERM),
        )
        self.assertEqual(self.supervise(uwsgi=UWSGI), 0)

    def test_the_application_outlives_the_nginx_of_another_container(self) -> None:
        pid_file = self.run_dir / "nginx.pid"
        pid_file.touch()
        threading.Timer(1, pid_file.unlink).start()
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        started = time.monotonic()
        self.assertEqual(self.supervise(uwsgi=UWSGI), 0)
        self.assertGreater(time.monotonic() - started, 0.9)

    def test_an_application_that_ends_waits_for_nobody(self) -> None:
        (self.run_dir / "nginx.pid").touch()
        self.assertEqual(self.supervise(uwsgi="#!/bin/sh\nexit 3\n"), 1)

    def test_a_failed_start_is_one_error_with_its_reason(self) -> None:
        script = "#!/bin/sh\necho banner >&2\necho 'ValueError: no' >&2\nexit 3\n"
        self.assertEqual(self.supervise(nginx=NGINX, uwsgi=script), 1)
        (line,) = self.lines()
        self.assertEqual((line["level"], line["event"]), ("ERROR", "stack.failed"))
        expected = "uwsgi ended by itself, with status 3.\nValueError: no"
        self.assertEqual(line["message"], expected)

    def test_a_reason_that_is_in_the_log_is_not_repeated(self) -> None:
        script = f"#!/bin/sh\necho banner >&2\nexit {supervisor.REASON_IS_LOGGED}\n"
        self.assertEqual(self.supervise(uwsgi=script), 1)
        (line,) = self.lines()
        self.assertEqual(line["level"], "INFO")
        self.assertEqual(line["message"], "uwsgi ended by itself, with status 78.")

    def test_a_killed_program_ends_the_stack(self) -> None:
        commands = "echo 'one\n\nValueError: two\nthree' >&2\nsleep 0.3\n"
        script = UWSGI.replace("mkfifo", f"{commands}mkfifo")
        script = script.replace("while", "(sleep 0.3; kill -KILL $$) &\nwhile", 1)
        self.assertEqual(self.supervise(nginx=NGINX, uwsgi=script), 1)
        *printed, _, end = self.lines()
        self.assertEqual([each["message"] for each in printed], ["ValueError: two", "one\nthree"])
        self.assertEqual(end["message"], "uwsgi ended by itself, by SIGKILL.")

    def test_programs_that_do_not_stop_are_killed(self) -> None:
        deaf = NGINX.replace("'exit 0'", "''")
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        with (
            mock.patch.object(supervisor, "DRAIN_TIMEOUT", 0.2),
            mock.patch.object(supervisor, "STOP_TIMEOUT", 1.6),
        ):
            # This uWSGI never reads its commands.
            uwsgi = UWSGI.replace("while :; do", "while :; do sleep 0.1; continue")
            self.assertEqual(self.supervise(nginx=deaf, uwsgi=uwsgi), 0)

    def test_a_program_that_is_not_ready_is_ended_at_once(self) -> None:
        script = '#!/bin/sh\ntouch "$RUN_DIR/$(basename $0)"\nexec sleep 20\n'
        started = time.monotonic()
        self.soon((self.run_dir / "nginx").exists, self.sends(signal.SIGTERM))
        self.assertEqual(self.supervise(nginx=script), 0)
        self.soon((self.run_dir / "uwsgi").exists, self.sends(signal.SIGTERM))
        self.assertEqual(self.supervise(uwsgi=script), 0)
        self.assertLess(time.monotonic() - started, 10)

    def test_a_start_that_prints_without_end_is_bounded(self) -> None:
        lines = "for i in $(seq 100); do echo $i; head -c 1000 /dev/zero | tr '\\0' x; done >&2\n"
        script = UWSGI.replace("mkfifo", f"{lines}sleep 0.3\nmkfifo")
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        self.assertEqual(self.supervise(uwsgi=script), 0)
        self.assertLessEqual(max(map(len, Path(self.log.name).read_bytes().splitlines())), 16384)

    def test_the_loss_of_the_log_ends_the_stack(self) -> None:
        reader, writer = os.pipe()
        threading.Timer(0.3, os.close, [reader]).start()
        self.assertEqual(self.supervise(writer, nginx=NGINX, uwsgi=UWSGI), 1)
        os.close(writer)

    def test_a_full_disk_loses_lines_only(self) -> None:
        if not Path("/dev/full").exists():
            return
        self.soon((self.run_dir / "loud").exists, self.sends(signal.SIGTERM))
        script = NGINX.replace("while", "echo loud >&2\nsleep 0.3\ntouch loud\nwhile")
        with Path("/dev/full").open("wb") as full:
            self.assertEqual(self.supervise(full.fileno(), nginx=script), 0)
