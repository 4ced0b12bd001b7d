"""Becomes another program: as another user, and so that it is told to end when our process dies.

Run as a script, in an interpreter of its own, between our process and PostgreSQL:

    python -I -S child.py PARENT_PID UID GID PROGRAM [ARGUMENT…]

Neither step can be taken before: a Python process that runs threads must not execute Python between fork and exec,
and the kernel forgets the parent-death signal when the user changes, so the order here is user, signal, exec.
SIGINT is PostgreSQL's "fast shutdown": after a kill -9 of ours, the data are closed in good order.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process by `command`; returns only if the parent is gone already."""
    if os.geteuid() != uid:
        os.setgroups([gid])
        os.setgid(gid)
        os.setuid(uid)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:  # it died before it could be watched
        return
    os.umask(0o077)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
