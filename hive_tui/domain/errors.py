"""Errors that a person reads: what failed in one sentence, and one thing to do."""

from enum import StrEnum


class ErrorClass(StrEnum):
    """What may be hoped of trying again."""

    TRANSIENT = "transient"
    """It may pass by itself: tried again after the backoff."""
    TIMEOUT = "timeout"
    """Something did not answer in time, which may pass by itself, too."""
    PERMANENT = "permanent"
    """The same will happen each time: not tried again."""
    NEEDS_PERSON = "needs-person"
    """Only a person can put it right: not tried again until one asks."""

    @property
    def is_retried(self) -> bool:
        """Whether an attempt that ended like this is followed by another one. This is the one rule for it."""
        return self in (ErrorClass.TRANSIENT, ErrorClass.TIMEOUT)


def class_of(error: BaseException) -> ErrorClass:
    """The class of any error; what nobody has foreseen may pass, and retries are few.

    One that may pass, and was caused by something that did not answer in time, is a timeout itself.
    """
    own = error.error_class if isinstance(error, HiveError) else ErrorClass.TRANSIENT
    if own is not ErrorClass.TRANSIENT:
        return own
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError) or getattr(cause, "error_class", None) is ErrorClass.TIMEOUT:
            return ErrorClass.TIMEOUT
        cause = cause.__cause__
    return own


class HiveError(Exception):
    """The root of every expected failure; `str()` is the whole sentence.

    Args:
        what: What failed, with the value that was wrong.
        hint: One thing that the reader can do about it.
        timed_out: It failed since something did not answer in time.
    """

    error_class: ErrorClass = ErrorClass.TRANSIENT

    def __init__(self, what: str, *, hint: str = "", timed_out: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        if timed_out:
            self.error_class = ErrorClass.TIMEOUT


class ConfigError(HiveError):
    """A setting is wrong; the sentence names file, line and key."""

    error_class = ErrorClass.NEEDS_PERSON


class StoreError(HiveError):
    """The database cannot be opened, read or written."""


class StoreFull(StoreError):
    """There is no space left to write the database."""


class NotFound(HiveError):
    """No agent, checkpoint or wakeup answers to what was asked for."""

    error_class = ErrorClass.PERMANENT


class NameTaken(HiveError):
    """The name is another agent's, or is not a name."""

    error_class = ErrorClass.PERMANENT


class AgentBusy(HiveError):
    """Another process works on this agent and holds its lock."""


class TmuxError(HiveError):
    """tmux refused a command, or the pane is not there."""


class TmuxMissing(TmuxError):
    """There is no tmux program, or it is older than 3.2."""

    error_class = ErrorClass.NEEDS_PERSON


class TmuxDown(TmuxError):
    """No tmux server runs on the socket. Says nothing about the agents."""


class TmuxHung(TmuxError):
    """The tmux server did not answer in time. Says nothing about the agents."""

    error_class = ErrorClass.TIMEOUT


class PaneGone(TmuxError):
    """The pane does not exist any more."""


class NapRefused(HiveError):
    """The agent was not put to sleep and runs on; the sentence says why."""


class CheckpointError(HiveError):
    """A checkpoint could not be written or read."""


MAKE_ROOM = "`hive-tui prune` frees some space, and so does `hive-tui delete ID`."


class DiskFull(CheckpointError):
    """There is not enough space left for what was to be written."""


class OffsiteError(HiveError):
    """The second place for checkpoints cannot be reached, or does not hold what was sent."""


class WorkspaceError(HiveError):
    """Git, or the folder that an agent works in, cannot be read or written."""


class StreamsError(HiveError):
    """Redis cannot be reached, or does not do what the streams of an agent need."""

    is_unreachable = False
    """Whether there was no answer at all; asking again at once would bring nothing."""


class BackupError(HiveError):
    """The database could not be copied."""


class WakeFailed(HiveError):
    """An attempt to wake an agent failed; a later one may succeed."""


class WakeImpossible(WakeFailed):
    """No later attempt can succeed: what the wake needs is gone."""

    error_class = ErrorClass.PERMANENT


class NeedsPerson(WakeFailed):
    """A person has to decide before this wake can go on; no retry helps.

    Args:
        what: What failed.
        hint: What the person can do.
        confirmable: Whether a plain "yes, do it" is enough.
    """

    error_class = ErrorClass.NEEDS_PERSON

    def __init__(self, what: str, *, hint: str = "", confirmable: bool = False) -> None:
        super().__init__(what, hint=hint)
        self.confirmable = confirmable


class RestoreError(HiveError):
    """A restore was refused or stopped; what was there is kept."""


class Cancelled(HiveError):
    """The person stopped the work; nothing was changed by it."""

    error_class = ErrorClass.PERMANENT
