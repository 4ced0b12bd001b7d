"""Supervised actors on Trio.

An actor is a class with typed messages and a mailbox; a `Ref` is its address and stays good across restarts. A
supervisor starts actors in order, restarts the ones that crash by Erlang/OTP's rules, and stops them in reverse.
The package knows nothing of what its actors do.
"""

from .actor import Actor, Context
from .alerts import Alert
from .clock import AdjustableClock, Clock, SystemClock
from .config import WORKER_SETTINGS, duration, parse_tree, percent
from .duty import Iteration
from .envelope import Envelope
from .errors import (
    ActorCrashed,
    ActorStopped,
    CallCycle,
    ConfigError,
    DeadlineExceeded,
    Declined,
    MailboxFull,
    NotUnderstood,
    ReloadFailed,
    StartFailed,
    StartInterrupted,
    TreeFailed,
    Unavailable,
    UnknownActor,
)
from .messages import Ask, Call, Cast, Down, Message, Tick
from .ref import Ref
from .signals import watch_signals
from .specs import ActorSpec, GroupSpec, Intensity
from .status import ActorStatus, GroupStatus, WorkerStatus
from .system import System
from .trace import current_trace
from .worker import Worker

__all__ = [
    "WORKER_SETTINGS",
    "Actor",
    "ActorCrashed",
    "ActorSpec",
    "ActorStatus",
    "ActorStopped",
    "AdjustableClock",
    "Alert",
    "Ask",
    "Call",
    "CallCycle",
    "Cast",
    "Clock",
    "ConfigError",
    "Context",
    "DeadlineExceeded",
    "Declined",
    "Down",
    "Envelope",
    "GroupSpec",
    "GroupStatus",
    "Intensity",
    "Iteration",
    "MailboxFull",
    "Message",
    "NotUnderstood",
    "Ref",
    "ReloadFailed",
    "StartFailed",
    "StartInterrupted",
    "System",
    "SystemClock",
    "Tick",
    "TreeFailed",
    "Unavailable",
    "UnknownActor",
    "Worker",
    "WorkerStatus",
    "current_trace",
    "duration",
    "parse_tree",
    "percent",
    "watch_signals",
]
