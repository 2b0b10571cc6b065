"""What plugins attach to an enqueue or to the end of a run: it is applied in the same script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import PluginError
from .checks import short_repr
from .strict_json import MAX_INT, NotJson, check_text

Until = Literal["started", "finished"]
Conflict = Literal["skip", "raise"]
CommandArg = str | int | float
"""The name or one argument of a command that a plugin attaches."""

MAX_COMMAND_ARGS, MAX_ARGS = 1000, 200_000
"""How many arguments one attached command may have, its name included, and all attachments of one
job together."""


@dataclass(slots=True)
class Transition:
    """The attachments of one enqueue or of one run: applied only if that itself is applied."""

    queue: str
    claims: Sequence[Sequence[str]] = ()
    numbers: Sequence[tuple[str, int]] = ()
    commands: Sequence[Sequence[CommandArg]] = ()
    raises_on_conflict: bool = False
    """Whether the enqueue raises ClaimHeld when another job holds a claim."""
    attached_args: int = 0
    """How many arguments were attached so far."""
    checked_commands: Sequence[Sequence[CommandArg]] = ()
    """The commands as ``then`` has left them last; they hold nothing that can change."""

    @property
    def size(self) -> int:
        """How many arguments of a script it takes."""
        return 2 * (len(self.claims) + len(self.numbers)) + count_args(self.commands)

    def count_attached(self, args: int) -> None:
        """Add to ``attached_args``; raise PluginError for more than one script can take."""
        self.attached_args += args
        if self.attached_args > MAX_ARGS:
            raise PluginError(
                f"expected at most {MAX_ARGS} arguments of commands, claims and numbers to be "
                f"attached to one job, got {self.attached_args}; split the work into more jobs"
            )

    def claim(self, key: str, until: Until = "finished", on_conflict: Conflict = "skip") -> None:
        """Enqueue only if no other job of the queue holds the key, and hold it.

        The job holds the key until it has started (``until="started"``) or has ended in any way. If
        another job holds the key, ``enqueue`` returns a handle of that job; with
        ``on_conflict="raise"`` it raises ClaimHeld. Raises PluginError for other arguments.
        """
        if until not in ("started", "finished") or on_conflict not in ("skip", "raise"):
            raise PluginError(
                "claim: expected until='started' or 'finished' and on_conflict='skip' or 'raise', "
                f"got {until!r}, {on_conflict!r}"
            )
        check_claim(key)
        self.count_attached(2)
        self.raises_on_conflict = self.raises_on_conflict or on_conflict == "raise"
        if [key, "finished"] not in self.claims:
            self.claims = [each for each in self.claims if each[0] != key] + [[key, until]]

    def latest(self, key: str) -> None:
        """Let the key point at this job until it has ended, or until another job takes the key.

        Unlike a claim, it refuses no job. Raises PluginError for what cannot be a key.
        """
        check_claim(key)
        self.count_attached(2)
        if [key, "latest"] not in self.claims:
            self.claims = [*self.claims, [key, "latest"]]

    def newer(self, field: str, number: int) -> None:
        """Enqueue only if the number that the queue keeps under ``field`` is lower; keep this one.

        Raises PluginError unless ``number`` is an int between -2 ** 53 and 2 ** 53.
        """
        if not isinstance(field, str) or not isinstance(number, int) or abs(number) >= 2**53:
            raise PluginError(
                "newer: expected a name and a whole number, less than 2 ** 53, "
                f"got {short_repr(field)} and {short_repr(number)}"
            )
        self.count_attached(2)
        self.numbers = [*self.numbers, (field, int(number))]

    def then(self, command: str, key: str, *args: CommandArg) -> None:
        """Attach a Redis command on a key of the job's own queue (``app.key(queue, ...)``).

        Raises PluginError for another key, and for more or other arguments than Redis takes.
        """
        if not self.is_own(key):
            raise PluginError(
                f"then: expected a key of queue {self.queue!r}, made by app.key(job.queue, ...), "
                f"got {key!r}"
            )
        if len(args) > MAX_COMMAND_ARGS - 2:
            raise PluginError(
                f"then: {command}: expected at most {MAX_COMMAND_ARGS} arguments, "
                f"got {len(args) + 2}; send several commands"
            )
        added = (command, key, *args)
        for arg in added:
            if type(arg) is not str or not arg.isascii():  # most arguments cost no call
                check_arg(arg, "then: ", command if type(command) is str else short_repr(command))
        self.count_attached(len(added) + 1)
        if self.commands is self.checked_commands:
            self.commands = self.checked_commands = (*self.commands, added)
        else:
            self.commands = (*self.commands, added)

    def checked(self) -> Sequence[Sequence[CommandArg]]:
        """The commands; raises PluginError for a wrong one that was not added by ``then``.

        Without this check, such a command would fail in the worker and end it.
        """
        commands = self.commands
        if commands is self.checked_commands:
            return commands
        if type(commands) not in (list, tuple):
            raise PluginError(
                f"job.transition: expected what then() adds, got {short_repr(commands)}"
            )
        for command in commands:
            self.check_command(command)
        if count_args(commands) > MAX_ARGS:
            raise PluginError(f"job.transition: expected at most {MAX_ARGS} arguments, got more")
        return commands

    def check_command(self, command: Any) -> None:
        """Raise PluginError for what ``then`` would not have added."""
        if type(command) not in (list, tuple) or not 2 <= len(command) <= MAX_COMMAND_ARGS:
            raise PluginError(
                f"job.transition: expected what then() adds, got {short_repr(command)}"
            )
        for arg in command:
            check_arg(arg, "job.transition")
        if not self.is_own(command[1]):
            raise PluginError(
                f"job.transition: expected a key of queue {self.queue!r}, got {command[1]!r}"
            )

    def is_own(self, key: object) -> bool:
        """Whether a value is a key of the job's own queue."""
        return isinstance(key, str) and f":{{{self.queue}}}:" in key

    @property
    def is_empty(self) -> bool:
        """Whether nothing is attached."""
        return not (self.claims or self.numbers or self.commands)

    def clear(self) -> None:
        """Remove all attachments."""
        self.claims = self.numbers = self.commands = self.checked_commands = ()
        self.raises_on_conflict, self.attached_args = False, 0


def count_args(commands: Sequence[Sequence[CommandArg]]) -> int:
    """How many arguments of a script the commands take."""
    return sum(map(len, commands)) + len(commands)


def check_claim(key: str) -> None:
    """Raise PluginError for what cannot be the key of a claim."""
    check_arg(key, "claim: key")
    if "\n" in key:
        raise PluginError(f"claim: expected a key of one line, got {key!r}")


def check_arg(arg: object, *subject: str) -> None:
    """Raise PluginError for an argument that cannot be sent to Redis.

    ``subject``: texts that together name it. Without this check, sending would fail later.
    """
    kind = type(arg)
    if kind is int and not -MAX_INT < arg < MAX_INT:  # type: ignore[operator]  # it is an int
        raise PluginError(f"{''.join(subject)}: expected an int of at most 4000 digits, got more")
    if kind in (int, float) or (kind is str and arg.isascii()):  # type: ignore[attr-defined]
        return
    if kind is not str:
        where = "".join(subject)
        raise PluginError(f"{where}: expected str, int or float, got {kind.__name__}")
    try:
        check_text(str(arg), "".join(subject))
    except NotJson as error:
        raise PluginError(str(error)) from None
