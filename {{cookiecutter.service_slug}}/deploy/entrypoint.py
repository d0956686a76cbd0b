"""Run nginx and uWSGI, or one of them: entrypoint.py [app|nginx].

TERM and INT stop them in order: exit status 0. HUP reloads them. If one ends unexpectedly, the
other is stopped: exit status 1. If a check before the start fails: exit status 2.
"""

import os
import signal
import sys
import tempfile


def main(arguments: list[str]) -> int:
    """Run the stack; return the exit status."""
    # A signal has to wait until the supervisor can handle it.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    from deploy.checks import find_programs
    from deploy.log import Log
    from deploy.stack_settings import StartError, read_settings
    from deploy.supervisor import Supervisor

    log = Log()
    try:
        settings = read_settings(os.environ)
        programs = find_programs(arguments, settings)
        if settings.run_dir:
            return Supervisor(settings, programs, settings.run_dir, log).run()
        with tempfile.TemporaryDirectory(prefix="stack-") as folder:
            return Supervisor(settings, programs, folder, log).run()
    except StartError as error:
        log.log("ERROR", "start.failed", errors=error.args)
        return 2


if __name__ == "__main__":
    # The interpreter is isolated (python -I): it does not look for modules beside this file.
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.exit(main(sys.argv[1:]))
