"""Run nginx and uWSGI, or one of them: entrypoint.py [app|nginx].

TERM and INT stop them, nginx first, so that every accepted request is answered: exit status 0.
HUP reloads both. If one of them ends unasked, the other is stopped too: exit status 1. An
invalid setting gives 2. `app` and `nginx` are for two containers that share RUN_DIR, and keep
the same order.
"""

import fcntl
import os
import signal
import sys

# Standard library only: `python3 -IS` starts in half of the time, and needs less memory.
PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MODES = ("both", "app", "nginx")


def main(arguments: list[str], output: int) -> int:
    """Run the stack, which logs to the descriptor `output`; return the exit status."""
    # A signal has to wait until the supervisor can handle it.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    from deploy import layout
    from deploy.log_lines import encode, event
    from deploy.stack_settings import StartError, read_settings
    from deploy.supervisor import Supervisor

    # Everybody who writes to a file appends to it, instead of writing over the lines of others.
    fcntl.fcntl(output, fcntl.F_SETFL, fcntl.fcntl(output, fcntl.F_GETFL) | os.O_APPEND)
    try:
        mode = arguments[0] if arguments else "both"
        if mode not in MODES or len(arguments) > 1:
            raise StartError([f"usage: {__file__} [app|nginx]"], status=2)
        settings = read_settings(os.environ)
        programs = layout.check(mode, settings)
        run_dir = layout.make_run_dir(settings)
    except StartError as error:
        os.write(output, encode(event("ERROR", "stack", "start.failed", errors=error.errors)))
        return error.status
    try:
        return Supervisor(settings, programs, run_dir, output).run()
    finally:
        if not settings.run_dir:
            layout.remove(run_dir)


if __name__ == "__main__":
    sys.path.insert(0, PROJECT)
    sys.exit(main(sys.argv[1:], output=1))
