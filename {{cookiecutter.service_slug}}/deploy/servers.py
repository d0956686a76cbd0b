"""nginx and uWSGI: how each starts, reloads and ends."""

import os
import shutil
import signal
import sys
from contextlib import suppress

from deploy.child import PROJECT, Child
from deploy.nginx_conf import render

STATIC = f"{PROJECT}/main/resources/static"
# Entries of uWSGI's store that fit into a megabyte.
BLOCKS = 16
# Requests that may wait for a thread. Equals the limit of requests in nginx.conf.
BACKLOG = 512


class Nginx(Child):
    """nginx, which accepts the requests."""

    name = "nginx"
    ready_file = "nginx.pid"
    death_signal = signal.SIGTERM

    def start(self, program: str) -> None:
        root = f"{self.run_dir}/www"
        shutil.rmtree(root, ignore_errors=True)
        os.makedirs(root)
        os.symlink(STATIC, f"{root}/static")
        self.configure()
        command = [program, "-p", self.run_dir, "-c", "nginx.conf", "-e", "stderr"]
        if os.geteuid() == 0:
            # Its workers would change to a user who may not read here.
            command += ["-g", "user root;"]
        # In RUN_DIR, because its path of uWSGI's socket is relative.
        self.run(command, self.run_dir)

    def configure(self) -> None:
        """Write nginx.conf for the settings."""
        with open(f"{PROJECT}/deploy/nginx.conf", encoding="utf-8") as source:
            text = render(source.read(), self.settings)
        with open(f"{self.run_dir}/nginx.conf", "w", encoding="utf-8") as target:
            target.write(text)

    def refuse_readiness(self) -> None:
        """Answer /readyz with 503, so that load balancers stop sending."""
        open(f"{self.run_dir}/www/drain", "w", encoding="ascii").close()

    def reload(self) -> None:
        self.configure()
        self.process.send_signal(signal.SIGHUP)

    def ask_to_end(self) -> None:
        self.process.send_signal(signal.SIGQUIT)


class Uwsgi(Child):
    """uWSGI, which runs the application."""

    name = "uwsgi"
    ready_file = "uwsgi.started"
    # TERM would reload it.
    death_signal = signal.SIGINT

    def start(self, program: str) -> None:
        metrics = f"{self.run_dir}/metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        os.makedirs(metrics)
        # For a reload, uWSGI would look behind the link that Python is in a virtual environment.
        binary = ["--binary-path", sys.executable]
        self.run(
            [program, "--ini", "deploy/uwsgi.ini", "--listen", str(backlog()), *binary],
            PROJECT,
            RUN_DIR=self.run_dir,
            TMPDIR=self.run_dir,
            PROMETHEUS_MULTIPROC_DIR=metrics,
            UWSGI_PROCESSES=str(self.settings.processes),
            UWSGI_THREADS=str(self.settings.threads),
            CACHE_ITEMS=str(self.settings.cache_size * BLOCKS),
        )

    def reload(self) -> None:
        self.remove_ready_file()
        self._command("r")

    def remind_workers(self) -> None:
        """Ask the workers to end once more: a worker that was just started misses the first HUP."""
        pid = self.process.pid
        with suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for worker in file.read().split():
                os.kill(int(worker), signal.SIGHUP)

    def ask_to_end(self) -> None:
        self._command("q")

    def _command(self, letter: str) -> None:
        """Write a command for uWSGI's master, if it reads commands now."""
        with suppress(OSError):
            fifo = os.open(f"{self.run_dir}/uwsgi.fifo", os.O_WRONLY | os.O_NONBLOCK)
            os.write(fifo, letter.encode())
            os.close(fifo)


def backlog() -> int:
    """Return how many requests may wait for a thread: BACKLOG, or what the kernel allows."""
    with suppress(OSError), open("/proc/sys/net/core/somaxconn", encoding="ascii") as limit:
        return min(int(limit.read()), BACKLOG)
    return 128
