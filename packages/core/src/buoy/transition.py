"""What plugins attach to a change of a job's state, to happen in the same instant."""

from dataclasses import dataclass, field
from typing import Literal

from .canonical import NotPlain, check_text
from .errors import PluginError

Until = Literal["started", "finished"]
Word = str | int | float


@dataclass(slots=True)
class Transition:
    """The attachments of one enqueueing, or of one run; applied only if that goes through."""

    queue: str
    claims: list[list[str]] = field(default_factory=list)
    numbers: list[tuple[str, int]] = field(default_factory=list)
    commands: list[list[Word]] = field(default_factory=list)

    def claim(self, key: str, until: Until = "finished") -> None:
        """Enqueue only if no other job of the queue holds the key; hold it until the job has
        started, or until it has ended in any way."""
        if "\n" in key or until not in ("started", "finished"):
            raise PluginError(
                f"claim: expected a key of one line and until='started' or 'finished', "
                f"got {key!r}, {until!r}"
            )
        check_word(key, "claim: key")
        if [key, "finished"] not in self.claims:
            self.claims = [each for each in self.claims if each[0] != key] + [[key, until]]

    def newer(self, field: str, number: int) -> None:
        """Enqueue only if the number kept under ``field`` is lower, and keep this one."""
        self.numbers.append((field, int(number)))

    def then(self, command: str, key: str, *words: Word) -> None:
        """Send a Redis command on a key of the job's own queue (``app.key(queue, ...)``)."""
        if f":{{{self.queue}}}:" not in key:
            raise PluginError(
                f"then: expected a key of queue {self.queue!r}, made by app.key(job.queue, ...), "
                f"got {key!r}"
            )
        for word in words:
            check_word(word, f"then: {command}")
        self.commands.append([command, key, *words])

    def clear(self) -> None:
        """Forget all attachments."""
        self.claims.clear()
        self.numbers.clear()
        self.commands.clear()


def check_word(word: object, subject: str) -> None:
    """Raise PluginError for what cannot be sent to Redis: it would surface far from here."""
    if type(word) not in (str, int, float):
        raise PluginError(f"{subject}: expected str, int or float, got {type(word).__name__}")
    try:
        check_text(str(word), subject)
    except NotPlain as error:
        raise PluginError(str(error)) from None
