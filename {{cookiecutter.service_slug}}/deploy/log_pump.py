"""The log: a thread that writes the lines of the supervisor, and what its children print."""

import contextlib
import os
import select
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

from deploy.log_lines import MAX_LINE, encode, event
from deploy.text_reader import TextReader

STDOUT = 1
CHUNK = 64 * 1024
# Milliseconds without output after which a text is complete.
SILENCE = 100


class Source:
    """The stderr of a child; `descriptor` is the reading end of the pipe.

    While the child starts, its events are held back: they become one event when it is ready, or
    a part of the error if it ends.
    """

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = name
        self.descriptor = descriptor
        self.reader = TextReader(name)
        self.at_end = threading.Event()
        self._held: list[dict[str, Any]] | None = []

    def hold(self) -> Iterable[dict[str, Any]]:
        """Hold the next events back."""
        self._held = []
        return ()

    def release(self) -> Iterable[dict[str, Any]]:
        """Return the events that were held back: the harmless ones are one event."""
        harmless, severe = self._take()
        if harmless:
            text = "\n".join(each["message"] for each in harmless)
            severe.append(event("INFO", self.name, f"{self.name}.printed", message=text))
        return severe

    def failure(self, level: str, message: str) -> dict[str, Any]:
        """Return the event for the end of the child.

        An error contains the errors that were held back, or else all that was held back.
        """
        harmless, severe = self._take()
        texts = [each["message"] for each in severe or harmless if level == "ERROR"]
        return event(level, "stack", "stack.failed", message="\n".join((message, *texts)))

    def filter(self, events: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        """Return those of the events that are to be logged now."""
        if self._held is None:
            return events
        self._held.extend(events)
        while sum(len(each["message"]) for each in self._held[1:]) > MAX_LINE:
            self._held.pop(0)
        return ()

    def _take(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the harmless and the severe events that were held back; hold no more."""
        held, self._held = self._held or [], None
        severe = [each for each in held if each["level"] != "INFO"]
        return [each for each in held if each["level"] == "INFO"], severe


class LogPump(threading.Thread):
    """Writes the log to `output`. Only this thread waits if the reader of the log is slow.

    It calls `on_loss` when it ends without `close`: nobody reads the log any more.
    """

    def __init__(
        self, sources: Iterable[Source], on_loss: Callable[[], None], output: int = STDOUT
    ) -> None:
        super().__init__(daemon=True)
        self._sources = {source.descriptor: source for source in sources}
        self._on_loss = on_loss
        self._output = output
        self._tasks: SimpleQueue[Callable[[], Iterable[dict[str, Any]]] | None] = SimpleQueue()
        self._wake_reader, self._wake_writer = os.pipe()

    def submit(self, task: Callable[[], Iterable[dict[str, Any]]] | None) -> None:
        """Let the thread call `task` and log the events that it returns."""
        self._tasks.put(task)
        os.write(self._wake_writer, b"\0")

    def log(self, level: str, name: str, **fields: Any) -> None:
        """Log an event of the supervisor."""
        self.submit(lambda: [event(level, "stack", name, **fields)])

    def close(self, timeout: float) -> None:
        """Write what there is, for some seconds; then end the thread."""
        self.submit(None)
        self.join(timeout)

    def run(self) -> None:
        """Copy until `close`, or until nobody reads the log."""
        closed = False
        try:
            closed = self._copy()
        finally:
            if not closed:
                self._on_loss()

    def _copy(self) -> bool:
        """Copy until `close`: True; or until nobody reads the log: False."""
        poll = select.poll()
        poll.register(self._output, 0)  # for errors only
        poll.register(self._wake_reader, select.POLLIN)
        for descriptor in self._sources:
            poll.register(descriptor, select.POLLIN)
        while True:
            pending = [each for each in self._sources.values() if each.reader.is_pending]
            ready = [descriptor for descriptor, _ in poll.poll(SILENCE if pending else None)]
            if not ready:
                for source in pending:
                    self._write(source.filter(source.reader.flush()))
            if self._output in ready:
                return False
            for source in [self._sources[each] for each in ready if each in self._sources]:
                data = os.read(source.descriptor, CHUNK)
                self._write(source.filter(source.reader.feed(data)))
                if not data:
                    self._write(source.filter(source.reader.flush()))
                    poll.unregister(source.descriptor)
                    os.close(self._sources.pop(source.descriptor).descriptor)
                    source.at_end.set()
            if self._wake_reader in ready:
                os.read(self._wake_reader, 1)
                if (task := self._tasks.get()) is None:
                    return True
                self._write(task())

    def _write(self, events: Iterable[dict[str, Any]]) -> None:
        for fields in events:
            line = encode(fields)
            # A full disk loses lines. `_copy` notices when nobody reads the log any more.
            with contextlib.suppress(OSError):
                while line:
                    line = line[os.write(self._output, line) :]
