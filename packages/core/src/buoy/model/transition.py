"""What plugins attach to a change of a job's state, to happen in the same instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import PluginError
from .checks import shown
from .strict_json import MAX_INT, NotPlain, check_text

Until = Literal["started", "finished"]
Conflict = Literal["skip", "raise"]
Word = str | int | float

COMMAND_WORDS, MOST_WORDS = 1000, 200_000
"""How many words one attached command may have, and all that is attached to one job together."""


@dataclass(slots=True)
class Transition:
    """The attachments of one enqueueing, or of one run; applied only if that goes through."""

    queue: str
    claims: Sequence[Sequence[str]] = ()
    numbers: Sequence[tuple[str, int]] = ()
    commands: Sequence[Sequence[Word]] = ()
    insists: bool = False
    """Whether a claim that is held is an error."""
    grown: int = 0
    """How many words were attached."""
    checked_commands: Sequence[Sequence[Word]] = ()
    """The commands as ``then`` has last left them: made of what cannot be changed."""

    @property
    def size(self) -> int:
        """How many words it takes in a script."""
        return 2 * (len(self.claims) + len(self.numbers)) + words_of(self.commands)

    def grow(self, words: int) -> None:
        """Take account of words; raise PluginError for more than one script can take."""
        self.grown += words
        if self.grown > MOST_WORDS:
            raise PluginError(
                f"expected at most {MOST_WORDS} words of commands, claims and numbers to be "
                f"attached to one job, got {self.grown}; split the work into more jobs"
            )

    def claim(self, key: str, until: Until = "finished", on_conflict: Conflict = "skip") -> None:
        """Enqueue only if no other job of the queue holds the key; hold it until the job has
        started, or until it has ended in any way.

        If one does, ``enqueue`` answers with it, or with ``on_conflict="raise"`` raises ClaimHeld.
        """
        if until not in ("started", "finished") or on_conflict not in ("skip", "raise"):
            raise PluginError(
                "claim: expected until='started' or 'finished' and on_conflict='skip' or 'raise', "
                f"got {until!r}, {on_conflict!r}"
            )
        check_claim(key)
        self.grow(2)
        self.insists = self.insists or on_conflict == "raise"
        if [key, "finished"] not in self.claims:
            self.claims = [each for each in self.claims if each[0] != key] + [[key, until]]

    def latest(self, key: str) -> None:
        """Let the key point at this job until it has ended in any way, or another one of the queue
        says the same: it is refused to nobody."""
        check_claim(key)
        self.grow(2)
        if [key, "latest"] not in self.claims:
            self.claims = [*self.claims, [key, "latest"]]

    def newer(self, field: str, number: int) -> None:
        """Enqueue only if the number kept under ``field`` is lower, and keep this one."""
        if not isinstance(field, str) or not isinstance(number, int) or abs(number) >= 2**53:
            raise PluginError(
                "newer: expected a name and a whole number, less than 2 ** 53, "
                f"got {shown(field)} and {shown(number)}"
            )
        self.grow(2)
        self.numbers = [*self.numbers, (field, int(number))]

    def then(self, command: str, key: str, *words: Word) -> None:
        """Send a Redis command on a key of the job's own queue (``app.key(queue, ...)``)."""
        if not self.is_own(key):
            raise PluginError(
                f"then: expected a key of queue {self.queue!r}, made by app.key(job.queue, ...), "
                f"got {key!r}"
            )
        if len(words) > COMMAND_WORDS - 2:
            raise PluginError(
                f"then: {command}: expected at most {COMMAND_WORDS} words, got {len(words) + 2}; "
                "send several commands"
            )
        added = (command, key, *words)
        for word in added:
            if type(word) is not str or not word.isascii():  # most words cost no call
                check_word(word, "then: ", command if type(command) is str else shown(command))
        self.grow(len(added) + 1)
        if self.commands is self.checked_commands:
            self.commands = self.checked_commands = (*self.commands, added)
        else:
            self.commands = (*self.commands, added)

    def checked(self) -> Sequence[Sequence[Word]]:
        """The commands; raises PluginError when somebody has put there, past ``then``, what cannot
        be sent: it would take the worker along."""
        commands = self.commands
        if commands is self.checked_commands:
            return commands
        if type(commands) not in (list, tuple):
            raise PluginError(f"job.transition: expected what then() adds, got {shown(commands)}")
        for command in commands:
            self.check_command(command)
        if words_of(commands) > MOST_WORDS:
            raise PluginError(f"job.transition: expected at most {MOST_WORDS} words, got more")
        return commands

    def check_command(self, command: Any) -> None:
        """Raise PluginError for what ``then`` would not have added."""
        if type(command) not in (list, tuple) or not 2 <= len(command) <= COMMAND_WORDS:
            raise PluginError(f"job.transition: expected what then() adds, got {shown(command)}")
        for word in command:
            check_word(word, "job.transition")
        if not self.is_own(command[1]):
            raise PluginError(
                f"job.transition: expected a key of queue {self.queue!r}, got {command[1]!r}"
            )

    def is_own(self, key: object) -> bool:
        """Whether it is a key of the job's own queue."""
        return isinstance(key, str) and f":{{{self.queue}}}:" in key

    @property
    def is_empty(self) -> bool:
        """Whether nothing is attached."""
        return not (self.claims or self.numbers or self.commands)

    def clear(self) -> None:
        """Forget all attachments."""
        self.claims = self.numbers = self.commands = self.checked_commands = ()
        self.insists, self.grown = False, 0


def words_of(commands: Sequence[Sequence[Word]]) -> int:
    """How many words attached commands take in a script."""
    return sum(map(len, commands)) + len(commands)


def check_claim(key: str) -> None:
    """Raise PluginError for what cannot be the key of a claim."""
    check_word(key, "claim: key")
    if "\n" in key:
        raise PluginError(f"claim: expected a key of one line, got {key!r}")


def check_word(word: object, *subject: str) -> None:
    """Raise PluginError for what cannot be sent to Redis: it would surface far from here."""
    kind = type(word)
    if kind is int and not -MAX_INT < word < MAX_INT:  # type: ignore[operator]  # it is an int
        raise PluginError(f"{''.join(subject)}: expected an int of at most 4000 digits, got more")
    if kind in (int, float) or (kind is str and word.isascii()):  # type: ignore[attr-defined]
        return
    if kind is not str:
        said = "".join(subject)
        raise PluginError(f"{said}: expected str, int or float, got {kind.__name__}")
    try:
        check_text(str(word), "".join(subject))
    except NotPlain as error:
        raise PluginError(str(error)) from None
