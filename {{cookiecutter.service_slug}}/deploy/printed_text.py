"""Events for the text that nginx, uWSGI and Python print on stderr."""

import re

from deploy.log_lines import Event, event

# A traceback with those that it is chained to, or a line with the indented ones below it.
BLOCK = r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*.*"
CHAINED = r"\n\n(?:During handling of the above|The above exception was the direct).*\n\n"
EVENT = re.compile(rf"(?:.*:\n)?{BLOCK}(?:{CHAINED}{BLOCK})*|\S.*(?:\n[ \t].*)*")

NGINX_HEAD = re.compile(
    r"(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |nginx: )\[(\w+)\] (?:\d+#\d+: )?",
)
NGINX_LEVELS = {
    "warn": "WARNING",
    "error": "ERROR",
    "crit": "CRITICAL",
    "alert": "CRITICAL",
    "emerg": "CRITICAL",
}
# Mistakes of a client, which nginx logs as errors.
CLIENT_MISTAKE = re.compile(r"\bclient (intended to send|sent|prematurely|timed out)\b")
ERROR = re.compile(
    r"^Traceback |^[\w.]*(Error|Exception): |^Fatal Python error|HARAKIRI ON"
    r"|[Ss]egmentation [Ff]ault|no app loaded|[Uu]nable to |unknown config directive"
    r"|\(\): .* \[\S+ line \d+\]$",
    re.MULTILINE,
)
# Characters of joined lines, which fit into a line of the log.
MAX_JOINED = 3000
WARNING = re.compile(r"^DAMN ! |Warning: ")


def events(logger: str, data: bytes) -> list[Event]:
    """Return the events for what a program has printed; harmless lines are joined."""
    text = data.decode("utf-8", "backslashreplace")
    found: list[Event] = []
    for match in EVENT.finditer(text):
        each = _event(logger, match[0].rstrip())
        if found and found[-1]["level"] == each["level"] == "INFO":
            joined = f"{found[-1]['message']}\n{each['message']}"
            if len(joined) < MAX_JOINED:
                found[-1]["message"] = joined
                continue
        found.append(each)
    return found


def _event(logger: str, text: str) -> Event:
    if nginx := NGINX_HEAD.match(text):
        text = text[nginx.end() :]
        level = "INFO" if CLIENT_MISTAKE.search(text) else NGINX_LEVELS.get(nginx[1], "INFO")
    else:
        level = "ERROR" if ERROR.search(text) else "WARNING" if WARNING.search(text) else "INFO"
    return event(level, logger, f"{logger}.printed", message=text)
