"""The supervisor: starts nginx and uWSGI, reloads them, and stops them in order."""

import signal

from deploy.child import Child
from deploy.log import Log
from deploy.log_lines import Event, event
from deploy.monitor import Monitor
from deploy.printed_text import events
from deploy.servers import Nginx, Uwsgi
from deploy.stack_settings import Settings

# Seconds that a stop takes at most, after DRAIN_DELAY. All together must stay below
# stop_grace_period in docker-compose.yml, and NGINX_TIMEOUT above worker_shutdown_timeout.
NGINX_TIMEOUT = 29
UWSGI_TIMEOUT = 4
# The exit status of an application that has logged itself why it does not start (EX_CONFIG).
REASON_IS_LOGGED = 78
# Bytes of a line that is written when all other writers have ended.
MAX_LAST_LINE = 16 * 1024


class Supervisor:
    """Runs nginx and uWSGI, or one of them, until a signal, an end, or the loss of the log."""

    def __init__(
        self, settings: Settings, programs: dict[str, str], run_dir: str, log: Log
    ) -> None:
        self.settings = settings
        self.log = log
        self.monitor = Monitor(log)
        self.uwsgi = Uwsgi(run_dir, log.stdout, settings)
        self.nginx = Nginx(run_dir, log.stdout, settings)
        self.children = [each for each in (self.uwsgi, self.nginx) if each.name in programs]
        for child in self.children:
            child.start(programs[child.name])
            self.monitor.watch(child)

    def run(self) -> int:
        """Supervise the programs, then stop them; return the exit status."""
        status = self.supervise()
        failures = [self.failure(child) for child in self.children if child.has_ended()]
        self.stop()
        for each in failures:
            self.log.write(each, MAX_LAST_LINE)
        return status

    def supervise(self) -> int:
        """Wait until there is a reason to stop; return the exit status."""
        state = "starting"
        while True:
            if state == "ready":
                self.monitor.step(None)
            elif not self.monitor.wait(1, self.has_news) and state == "reloading":
                self.uwsgi.remind_workers()
            while self.monitor.signals:
                number = self.monitor.signals.popleft()
                if number in (signal.SIGTERM, signal.SIGINT):
                    return 0
                if number == signal.SIGHUP and state == "ready":
                    state = "reloading"
                    self.reload()
            if self.monitor.is_log_lost or self.has_ended():
                return 1
            if state != "ready" and self.is_ready():
                state = "ready"
                url = f"http://127.0.0.1:{self.settings.port}/"
                self.log.log("INFO", "stack.ready", url=url)

    def is_ready(self) -> bool:
        return all(child.is_ready() for child in self.children)

    def has_ended(self) -> bool:
        return any(child.has_ended() for child in self.children)

    def has_news(self) -> bool:
        return bool(self.monitor.signals) or self.has_ended() or self.is_ready()

    def reload(self) -> None:
        """Apply changed files."""
        self.log.log("INFO", "stack.reloading")
        for child in self.children:
            child.reload()

    def stop(self) -> None:
        """Stop the programs in order. Each step has a bound."""
        if self.nginx in self.children:
            self.nginx.refuse_readiness()
            self.monitor.wait(self.settings.drain_delay, self.has_ended)
            self.end(self.nginx, NGINX_TIMEOUT)
        else:
            # nginx is in another container, and needs uWSGI until it has ended.
            self.monitor.wait(self.settings.drain_delay + NGINX_TIMEOUT, self.has_drained)
        if self.uwsgi in self.children:
            self.end(self.uwsgi, UWSGI_TIMEOUT)

    def has_drained(self) -> bool:
        return self.has_ended() or not self.nginx.is_ready()

    def end(self, child: Nginx | Uwsgi, seconds: int) -> None:
        """Ask a program to end, each second because it may miss that; kill what is left."""
        for _ in range(seconds):
            child.signal_group(signal.SIGCONT)
            child.ask_to_end()
            if self.monitor.wait(1, child.has_ended):
                break
        self.kill(child)
        self.monitor.write_text(child)

    def kill(self, child: Child) -> None:
        """Kill what is left of a program, and read to the end what it has printed."""
        child.signal_group(signal.SIGKILL)
        child.process.wait()
        child.remove_ready_file()
        self.monitor.wait(0.5, lambda: not self.monitor.is_watching(child))

    def failure(self, child: Child) -> Event:
        """Return the event for a program that has ended unexpectedly."""
        self.kill(child)
        printed = events(child.name, child.text)
        severe = [each for each in printed if each["level"] != "INFO"]
        child.text = b""
        status = child.process.returncode
        message = f"{child.name} ended unexpectedly, with status {status}."
        if status == REASON_IS_LOGGED:
            return event("INFO", "stack", "stack.failed", message=message)
        reason = [each["message"] for each in severe or printed]
        return event("ERROR", "stack", "stack.failed", message="\n".join([message, *reason]))
