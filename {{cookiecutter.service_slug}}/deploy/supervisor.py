"""The supervisor: starts nginx and uWSGI, waits for a signal or an end, and stops them in order."""

import os
import signal
import time

from deploy import commands, layout
from deploy.child import Child
from deploy.log_pump import LogPump, Source
from deploy.servers import Nginx, Uwsgi
from deploy.signals import SignalQueue
from deploy.stack_settings import StackSettings

# Seconds from a signal to KILL. With three more for the rest, it must stay within
# stop_grace_period in docker-compose.yml.
STOP_TIMEOUT = 42
# Seconds that nginx has for its requests. Must exceed worker_shutdown_timeout in nginx.conf.
DRAIN_TIMEOUT = 31
# Seconds that uWSGI has after nginx has ended: no client waits for a response any more.
UWSGI_TIMEOUT = 13
# Seconds between two looks at the files that show the state of the programs.
POLL_INTERVAL = 0.02
# The exit status of an application that has logged itself why it does not start (EX_CONFIG).
REASON_IS_LOGGED = 78
# The pump puts this signal into the queue when nobody reads the log.
LOG_LOST = signal.SIGPIPE
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Supervisor:
    """Runs nginx and uWSGI, or one of them, until a signal, an end, or the loss of the log."""

    def __init__(
        self, settings: StackSettings, programs: layout.Programs, run_dir: str, output: int
    ) -> None:
        self.settings = settings
        self.run_dir = run_dir
        self.signals = SignalQueue()
        self.nginx = Nginx(run_dir) if programs.nginx else None
        self.uwsgi = Uwsgi(run_dir) if programs.uwsgi else None
        self.children: list[Child] = [each for each in (self.uwsgi, self.nginx) if each]
        environ = commands.environment(os.environ, settings, run_dir)
        if self.uwsgi:
            layout.prepare_app(run_dir)
            self.uwsgi.start(commands.uwsgi_command(programs.uwsgi), layout.PROJECT, environ)
        if self.nginx:
            layout.prepare_nginx(run_dir, settings)
            command = commands.nginx_command(programs.nginx, run_dir, os.geteuid())
            # In RUN_DIR, because its path of uWSGI's socket is relative.
            self.nginx.start(command, run_dir, environ)
        self.sources = {child.name: Source(child.name, child.errors) for child in self.children}
        self.log = LogPump(self.sources.values(), self._on_log_loss, output)
        self.log.start()

    def run(self) -> int:
        """Supervise the programs, then stop them; return the exit status."""
        status = self._supervise()
        self._stop(time.monotonic() + STOP_TIMEOUT)
        # Short waits: the log is not read any more if its reader has stalled.
        for source in self.sources.values():
            source.at_end.wait(0.5)
        self.log.close(timeout=0.5)
        return status

    def _on_log_loss(self) -> None:
        self.signals.put(LOG_LOST)

    def _supervise(self) -> int:
        """Wait until there is a reason to stop; return the exit status."""
        # The event to log when all programs are ready.
        next_event = "stack.ready"
        while True:
            number = self.signals.wait(POLL_INTERVAL if next_event else None)
            if number in STOP_SIGNALS:
                self._release()
                return 0
            if number == LOG_LOST:
                return 1
            for child in self.children:
                if child.has_ended():
                    self._report_end(child)
                    return 1
            if next_event and all(child.is_ready() for child in self.children):
                self._release()
                address = {"url": f"http://127.0.0.1:{self.settings.port}/"} if self.nginx else {}
                self.log.log("INFO", next_event, **address)
                next_event = ""
            if next_event == "stack.reloaded" and self.uwsgi:
                self.uwsgi.remind_workers()
            if number == signal.SIGHUP and not next_event:
                self._reload()
                next_event = "stack.reloaded"

    def _release(self) -> None:
        for source in self.sources.values():
            self.log.submit(source.release)

    def _reload(self) -> None:
        if self.nginx:
            layout.write_nginx_conf(self.run_dir, self.settings)
            self.nginx.reload()
        if self.uwsgi:
            self.log.submit(self.sources[self.uwsgi.name].hold)
            self.uwsgi.reload()

    def _report_end(self, child: Child) -> None:
        """Log which program has ended although nobody stopped it, and why."""
        child.kill()  # what a killed master leaves behind
        source = self.sources[child.name]
        source.at_end.wait(1)
        level = "INFO" if child.process.returncode == REASON_IS_LOGGED else "ERROR"
        message = f"{child.name} ended by itself, {child.end()}."
        self.log.submit(lambda: [source.failure(level, message)])

    def _stop(self, deadline: float) -> None:
        """Stop the programs. Each step has a bound, so that all have ended at the deadline."""
        if self.nginx:
            self.nginx.drain()
            time.sleep(self.settings.drain_delay)
            self.nginx.stop(time.monotonic() + DRAIN_TIMEOUT)
        if self.uwsgi:
            if not self.nginx:
                # It is in another container, and needs uWSGI until it has drained.
                self.uwsgi.wait_for_nginx(self.settings.drain_delay + DRAIN_TIMEOUT)
            self.uwsgi.stop(min(deadline, time.monotonic() + UWSGI_TIMEOUT))
