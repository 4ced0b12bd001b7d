"""What can go wrong between actors, each its own type.

Two families, and the line between them is the runtime's most useful rule. `Unavailable` says "the other side could
not answer": it may be let out of a handler and then travels up to whoever asked, and nobody crashes. Everything
else that leaves a handler is a bug or a broken resource, and is a crash of that actor alone.
"""


class Unavailable(Exception):
    """Somebody could not answer. Let out of a handler it answers the caller upward and is not a crash."""


class ActorCrashed(Unavailable):
    """The actor died with this message in its hands. Whether the work happened is unknown: ask by key, never assume."""


class ActorStopped(Unavailable):
    """The actor has stopped for good, or the message was still queued when it did."""


class MailboxFull(Unavailable):
    """There was no room within the deadline. The message was never accepted: nothing happened."""


class DeadlineExceeded(Unavailable):
    """The message was accepted, but no answer came in time. It may yet be handled if it was already begun."""


class CallCycle(Unavailable):
    """The call would wait, through other actors, for its own caller, and so for ever: it was refused at once."""


class NotUnderstood(Unavailable):
    """The actor has no handler for this type of message: a mistake of the sender, who alone is told."""


class Declined(Unavailable):
    """The actor will not do what it was asked. The text is one sentence for whoever asked, and says what to do."""


class Hung(Exception):
    """An actor did not come back to its mailbox within its limit, and was cancelled: a crash like any other."""


class UnknownActor(LookupError):
    """No actor has this name: a mistake in the code or the tree, found when the reference is made."""


class StartFailed(Exception):
    """The tree did not start. The text is one sentence: which actor, why, and what was stopped again."""


class StartInterrupted(StartFailed):
    """A stop was requested before the tree had started: not a fault, but it did not start either."""


class ReloadFailed(Exception):
    """The new code was not taken, and the old goes on. The text says why."""


class TreeFailed(Exception):
    """Restarting did not help: failures exceeded the intensity of the root group, and everything was stopped."""


class ConfigError(ValueError):
    """A mistake in the configuration, in one line: where, what was found, what was expected."""
