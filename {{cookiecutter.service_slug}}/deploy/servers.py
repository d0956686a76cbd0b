"""nginx and uWSGI: how each of them is ready, reloads and stops."""

import contextlib
import os
import signal
import time

from deploy.child import Child

# Seconds.
POLL_INTERVAL = 0.1
REMINDER_INTERVAL = 1.0


class Nginx(Child):
    """nginx, which accepts the requests."""

    name = "nginx"
    ready_file = "nginx.pid"
    death_signal = signal.SIGTERM

    def drain(self) -> None:
        """Answer /readyz with 503 from now on, so that load balancers stop sending."""
        with open(self.path("www/drain"), "w", encoding="utf-8"):
            pass

    def reload(self) -> None:
        """Apply nginx.conf. Requests in flight finish with the old configuration."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self, deadline: float) -> None:
        """Stop accepting, and finish the requests in flight until the deadline."""
        self.signal_group(signal.SIGCONT)
        # Without its pid file nginx does not know QUIT yet, and has accepted nothing.
        self.process.send_signal(signal.SIGQUIT if self.is_ready() else signal.SIGTERM)
        self.wait(deadline - time.monotonic())
        self.kill()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(self.ready_file))


class Uwsgi(Child):
    """uWSGI, which runs the application."""

    name = "uwsgi"
    ready_file = "uwsgi.started"
    # TERM would reload it.
    death_signal = signal.SIGINT
    is_reloading = False

    def reload(self) -> None:
        """Replace uWSGI and its workers after their requests; the socket stays open."""
        self.is_reloading = True
        self.next_reminder = time.monotonic() + REMINDER_INTERVAL
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(self.ready_file))
        self._command("r")

    def stop(self, deadline: float) -> None:
        """Finish the requests in flight until the deadline."""
        self.signal_group(signal.SIGCONT)
        # Before it is ready for the first time it serves nobody, and does not read commands.
        if self.is_reloading or self.is_ready():
            self.next_reminder = time.monotonic() + REMINDER_INTERVAL
            while not self.has_ended() and time.monotonic() < deadline:
                # Again and again, because nobody reads a command while uWSGI reloads.
                self._command("q")
                self.remind_workers()
                self.wait(POLL_INTERVAL)
        self.kill()

    def wait_for_nginx(self, seconds: float) -> None:
        """Wait until the nginx that shares RUN_DIR has ended, at most for some seconds."""
        deadline = time.monotonic() + seconds
        while os.path.exists(self.path(Nginx.ready_file)) and time.monotonic() < deadline:
            if self.has_ended():
                return
            self.wait(POLL_INTERVAL)

    def remind_workers(self) -> None:
        """Ask the workers to end once more, at most once a second.

        The master sends HUP to each worker once, then waits for them without a time limit. A
        worker that is still starting ignores HUP. Where /proc does not list children, only the
        deadline helps.
        """
        if time.monotonic() < self.next_reminder:
            return
        self.next_reminder += REMINDER_INTERVAL
        pid = self.process.pid
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                workers = children.read().split()
            for worker in workers:
                os.kill(int(worker), signal.SIGHUP)

    def _command(self, letter: str) -> None:
        """Write a command for uWSGI's master, if it reads commands now."""
        with contextlib.suppress(OSError):
            fifo = os.open(self.path("uwsgi.fifo"), os.O_WRONLY | os.O_NONBLOCK)
            os.write(fifo, letter.encode())
            os.close(fifo)
