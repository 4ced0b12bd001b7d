"""The process of one Xray: `python -m integrations.xray.child CONFIG PARENT_PID DOORS`.

The binding is Xray as a library, so something must be the process around it. This is that something, and it
does what a service manager would. It dies with its parent, even if the parent is killed without warning. It
refuses to run beside another Xray on the same ports, which Linux would allow (Xray sets SO_REUSEPORT) and then
split the traffic between the two. It clears away the socket that a killed Xray left, which would block every
later start. Then it says so on the standard output: from that moment whatever answers on those ports is this Xray.

Only light modules are imported: every node and every probe pays for them.
"""

import ctypes
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Final, NoReturn

from integrations.xray.keeper import TRAIL_PATH, keep

#: What stands on the standard output when nothing is in the way; anything else there is the reason for not starting.
STARTING: Final = "starting"

#: Exit statuses of the binding itself, which gives no reason with them.
CONFIG_REFUSED: Final = 23
CANNOT_LISTEN: Final = 255

_PR_SET_PDEATHSIG: Final = 1


def main(config_path: str, parent_pid: str, doors_text: str) -> None:
    """Run Xray with the configuration in that file until SIGTERM or SIGINT, or until the parent is gone.

    `doors_text` is the part of the configuration that says where it listens, as JSON: the whole may be 20 MB.
    """
    _die_with_parent(int(parent_pid))
    _allow_connections()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _lock(Path(config_path).with_suffix(".lock"))
    try:
        text = Path(config_path).read_text()
    except OSError as error:
        _refuse(f"cannot read the configuration {config_path}: {error}")
    doors = json.loads(doors_text)
    for inbound in doors["inbounds"]:
        _check_port(inbound["listen"], inbound["port"])
    api_socket = doors["api"]["listen"] if doors["api"] else ""
    _clear_socket(api_socket)
    if doors["log"]["access"] == TRAIL_PATH:
        keep(api_socket, [inbound["port"] for inbound in doors["inbounds"]])

    from xray.xray import startFromJSON  # type: ignore[import-untyped]

    _report(STARTING)

    # Returns at SIGTERM or SIGINT; ends the process without a word if it cannot start.
    startFromJSON(text)


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL at the parent's death, then look whether it had died before we asked."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        _refuse(f"cannot ask the kernel to end Xray with its parent: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent_pid:
        _refuse("the process that started this Xray is already gone")


def _allow_connections() -> None:
    """Take all the descriptors that the system lets us have: a customer's connection needs two or more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _lock(path: Path) -> None:
    """Hold the lock of this node for the life of the process; the kernel releases it, however we end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _refuse(f"another Xray runs for this node, it holds {path}: stop it first")


def _check_port(address: str, port: int) -> None:
    """Bind the port without SO_REUSEPORT: that fails if anybody listens there, Xray's own bind would not."""
    if address.startswith(("/", "@")):
        return
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            hint = "stop what listens there or choose another port"
            if error.errno != errno.EADDRINUSE:
                hint = "choose an address of this machine and a port that this user may open"
            _refuse(f"cannot listen on {address} port {port}: {os.strerror(error.errno or 0)}: {hint}")


def _clear_socket(path: str) -> None:
    """Remove the API socket of a dead Xray; a live one is a reason to stop."""
    if not path.startswith("/") or not os.path.exists(path):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError as error:
            _refuse(f"cannot use {path} as the API socket: {os.strerror(error.errno or 0)}: remove it")
        else:
            _refuse(f"another Xray answers on the API socket {path}: stop it first")


def _refuse(reason: str) -> NoReturn:
    _report(reason)
    os._exit(1)


def _report(words: str) -> None:
    """Tell the parent, once, and leave the standard output to Xray's log."""
    os.write(1, words.encode())
    os.dup2(2, 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
    # Xray has stopped; Python's own shutdown has nothing to do and must not wait for Go's threads.
    os._exit(0)
