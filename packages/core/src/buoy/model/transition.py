"""What plugins attach to an enqueue or to the end of a run: it is applied in the same script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import PluginError
from .checks import short_repr
from .priority import RANKS, ranks
from .strict_json import MAX_INT, NotJson, check_text

Until = Literal["started", "finished"]
Conflict = Literal["skip", "raise", "replace"]
CONFLICTS = ("skip", "raise", "replace")
CommandArg = str | int | float
"""The name or one argument of a command that a plugin attaches."""

MOST_PERMITS = 1_000_000
"""The highest limit of a key."""

LONGEST_INTERVAL = 10**8
"""The longest time between two jobs of a key, in seconds: more than three years."""

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

    def claim(
        self,
        key: str,
        until: Until = "finished",
        on_conflict: Conflict = "skip",
        at_most: float | None = None,
    ) -> None:
        """Enqueue only if no other job of the queue holds the key, and hold it.

        The job holds the key until it has started (``until="started"``) or has ended in any way. If
        another job holds the key, ``enqueue`` returns a handle of that job; with
        ``on_conflict="raise"`` it raises ClaimHeld. With ``on_conflict="replace"`` a holder that
        waits gets the payload of this job, and its due time if the holder is delayed, at the latest
        ``at_most`` seconds after the first job took the key; ``enqueue`` returns a handle of the
        holder. If the holder runs, this job is refused, or with ``until="started"`` stored, with
        the key. Raises PluginError for other arguments.
        """
        if until not in ("started", "finished") or on_conflict not in CONFLICTS:
            raise PluginError(
                "claim: expected until='started' or 'finished' and on_conflict='skip', 'raise' or "
                f"'replace', got {until!r}, {on_conflict!r}"
            )
        check_claim(key)
        self.count_attached(2)
        self.raises_on_conflict = self.raises_on_conflict or on_conflict == "raise"
        word = str(until)
        if on_conflict == "replace":
            word += " replace" if at_most is None else f" replace {milliseconds(at_most, 'claim')}"
        own = [each for each in self.claims if each[0] == key and is_plain(each[1])]
        if not any(held_until.startswith("finished") for _, held_until in own):
            self.claims = [*(each for each in self.claims if each not in own), [key, word]]

    def latest(self, key: str) -> None:
        """Let the key point at this job until it has ended, or until another job takes the key.

        Unlike a claim, it refuses no job. Raises PluginError for what cannot be a key.
        """
        check_claim(key)
        self.count_attached(2)
        if [key, "latest"] not in self.claims:
            self.claims = [*self.claims, [key, "latest"]]

    def tell_end(self, home: str, group: str, member: str) -> None:
        """Let a group of jobs know when this job has ended, in whatever way: the group that lives
        in queue ``home``, in which this job has the name ``member``.

        It is noted in the instant in which the job ends, and gets there through any crash. Raises
        PluginError for names that are no words.
        """
        key = f"{home} {group} {member}"
        check_claim(key, "tell_end")
        if len(key.split(" ", 2)) < 3 or "" in (home, group, member) or ":" in group:
            raise PluginError(f"tell_end: expected a queue, a group and a member, got {key!r}")
        self.count_attached(2)
        if [key, "ended"] not in self.claims:
            self.claims = [*self.claims, [key, "ended"]]

    def permit(self, key: str, most: int, until: Until = "finished") -> None:
        """Queue the job only while fewer than ``most`` other jobs of the queue hold a permit of
        this key; until then it is blocked, and waits in the line of the key.

        The job holds the permit while it is queued, and then until it has started
        (``until="started"``) or until its run has ended. While it is delayed, for its first run or
        for a further one, it holds none. A job with several keys waits until it gets the permits of
        all; it holds none before. ``most`` counts until an operator sets another limit. Raises
        PluginError for other arguments.
        """
        if until not in ("started", "finished"):
            raise PluginError(
                f"permit: expected until='started' or 'finished', got {short_repr(until)}"
            )
        if type(most) is not int or not 1 <= most <= MOST_PERMITS:
            raise PluginError(
                f"permit: expected a limit from 1 to {MOST_PERMITS}, got {short_repr(most)}"
            )
        check_claim(key, "permit")
        self.count_attached(2)
        others = [each for each in self.claims if each[0] != key or not is_permit(each[1])]
        self.claims = [*others, [key, f"{most} {until}"]]

    def pace(self, key: str, interval: float, burst: int = 1) -> None:
        """Let jobs with this key become due one after the other: ``interval`` seconds apart, and
        ``burst`` of them at once after a time without any. A job gets its time when it would enter
        the queue: for its first run and for each further attempt. Raises PluginError for other
        arguments."""
        check_pace(interval, burst, "pace")
        check_claim(key, "pace")
        self.count_attached(2)
        others = [each for each in self.claims if each[0] != key or not is_permit(each[1])]
        self.claims = [*others, [key, f"{round(interval * 1e6)} {burst} paced"]]

    def throttle(self, key: str, seconds: float) -> None:
        """Enqueue only if no job of the queue with this key was enqueued within so many seconds
        before.

        If there was such a job, ``enqueue`` returns a handle of that job, also when it is done
        since. A job that ends in another way than done lets the next one in. Only an enqueue
        counts: not a further attempt, and no move. Raises PluginError for other arguments.
        """
        word = f"throttled {milliseconds(seconds, 'throttle')}"
        check_claim(key, "throttle")
        self.count_attached(2)
        others = [each for each in self.claims if each[0] != key or not is_throttle(each[1])]
        self.claims = [*others, [key, word]]

    def rank(self, level: str, *, front: bool) -> None:
        """Let the job have a priority in its queue: see ``priority.py``."""
        others = [each for each in self.claims if each[1] not in RANKS]
        self.claims = [*others, *ranks(level, front=front)]

    def replace_same(self, key: str) -> None:
        """If a job with the same id waits, give it the payload and the claims of this one, and its
        due time if it is delayed. What is attached is applied then, too.

        ``key``: any of the job's own queue. This is no command of Redis, but lua/enqueue.lua takes
        it as one, and each command has a key.
        """
        self.then("REPLACE", key)

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
    """How many arguments of a script the commands, or other lists of words, take."""
    return sum(map(len, commands)) + len(commands)


def is_permit(word: str) -> bool:
    """Whether the word that stands with a key makes it a permit or a pace, and no claim."""
    return word[:1].isdigit()


def is_throttle(word: str) -> bool:
    """Whether the word that stands with a key makes it a throttle."""
    return word.startswith("throttled")


def is_plain(word: str) -> bool:
    """Whether the word that stands with a key leaves it a claim."""
    return not (is_permit(word) or is_throttle(word))


def milliseconds(seconds: float, subject: str) -> int:
    """Returns a time in ms. Raises PluginError for what cannot be one."""
    if type(seconds) not in (int, float) or not 1e-3 <= seconds <= LONGEST_INTERVAL:
        raise PluginError(
            f"{subject}: expected from 0.001 to {LONGEST_INTERVAL} seconds, "
            f"got {short_repr(seconds)}"
        )
    return round(seconds * 1000)


def check_pace(interval: float, burst: int, subject: str) -> None:
    """Raise PluginError for what cannot be a pace: the seconds between two jobs, and how many may
    begin together."""
    if not isinstance(interval, int | float) or not 1e-6 <= interval <= LONGEST_INTERVAL:
        raise PluginError(
            f"{subject}: expected an interval from 0.000001 to {LONGEST_INTERVAL} seconds, "
            f"got {short_repr(interval)}"
        )
    if type(burst) is not int or not 1 <= burst <= MOST_PERMITS:
        raise PluginError(
            f"{subject}: expected a burst from 1 to {MOST_PERMITS}, got {short_repr(burst)}"
        )


def check_claim(key: str, subject: str = "claim") -> None:
    """Raise PluginError for what cannot be the key of a claim, or of permits."""
    check_arg(key, f"{subject}: key")
    if "\n" in str(key):
        raise PluginError(f"{subject}: expected a key of one line, got {key!r}")


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
