"""Runs one command and lets it never outlive whoever holds the other end of a pipe.

    python -I -S leash.py LIFELINE KEPT GRACE NAME command...

The supervisor starts every child through this script, each in its own process group. LIFELINE is the reading end of a
pipe whose writing end only the supervisor has: when the supervisor is gone, killed or not, reading ends and the whole
group goes, a Celery pool included. KEPT is a file descriptor that only has to stay open as long as this process lives
(the lock on DATA_DIR). Works where there is no PR_SET_PDEATHSIG. Standard library only, so that it starts in
milliseconds.
"""

import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def main() -> None:
    lifeline, grace, name, command = int(sys.argv[1]), float(sys.argv[3]), sys.argv[4], sys.argv[5:]
    stopping = threading.Event()
    # Ctrl-C and a closed terminal are for the supervisor. Handlers, not SIG_IGN, which the command would inherit.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_follow_to_death)

    def stop(*_: object) -> None:
        if not stopping.is_set():
            stopping.set()
            child.terminate()
            timer = threading.Timer(grace, end)
            timer.daemon = True
            timer.start()

    def end() -> None:
        os.killpg(os.getpgrp(), signal.SIGKILL)  # whatever is left of the group, ourselves included

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        stop()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    if not stopping.is_set():
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        print(f"{name} stopped ({why}).", file=sys.stderr, flush=True)
    end()


def _follow_to_death() -> None:
    """Where the kernel can, the command goes even when supervisor and leash are killed at the same moment."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
