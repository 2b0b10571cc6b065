"""Which jobs are meant, by what their payloads hold."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..model.checks import expect
from ..model.redaction import NOTHING
from .views import JobState, JobView

PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
"""A text that JSON writes in one way."""
STATES: tuple[JobState, ...] = ("running", "queued", "blocked", "delayed", "failed")


@dataclass(frozen=True)
class JobFilter:
    """Which jobs are meant, in any state: those that match all fields.

    A field that is None or empty matches every job. ``name``: of the class. ``args``: a part of the
    arguments as JSON. ``since`` and ``until``: epoch seconds, the job was enqueued at or after
    ``since`` and before ``until``. Raises ConfigurationError for an empty text or another state.
    """

    states: Sequence[JobState] = ()
    name: str | None = None
    queue: str | None = None
    args: str | None = None
    tag: str | None = None
    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        kind = type(self).__name__
        for field in self.texts():
            expect(getattr(self, field) != "", f"{kind}.{field}", "a text that is not empty", "")
        for state in self.states:
            expect(state in STATES, f"{kind}.states", f"some of {', '.join(STATES)}", state)

    def texts(self) -> tuple[str, ...]:
        """Returns the names of the fields that hold a text."""
        return ("name", "queue", "args", "tag")

    @property
    def reads_payloads(self) -> bool:
        """Whether it depends on more than the queue and the state of a job."""
        return type(self)(self.states, queue=self.queue) != self

    def time_of(self, view: JobView) -> float:
        """Returns the time of a job that ``since`` and ``until`` mean."""
        return view.enqueued_at

    def may_match(self, payload: bytes) -> bool:
        """Returns whether a job may be meant, by what is stored of it; this costs much less than to
        decode it. What is written in another way there is not excluded."""
        texts = self.plain_texts
        if not texts or b"\\u00" in payload:
            return True
        lower = payload.lower()
        return all([text in lower for text in texts])  # noqa: C419 - it takes half the time

    @cached_property
    def plain_texts(self) -> list[bytes]:
        """The texts that stand in the payload of each job that is meant, in lower case."""
        return [text.lower().encode() for field in self.texts() if (text := self.plain(field))]

    def plain(self, field: str) -> str:
        """Returns a text that stands in a payload as it is, if a job matches this field; or ""."""
        text = getattr(self, field) or ""
        return text if field != "queue" and PLAIN.fullmatch(text) else ""

    def matches(self, view: JobView) -> bool:
        """Returns whether a job is meant. Does not look at its queue and its state."""
        at = self.time_of(view)
        return (
            self.name in (None, view.name)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and has_arguments(view, self.args)
            and has_tag(view, self.tag)
        )


def has_arguments(view: JobView, text: str | None) -> bool:
    """Returns whether the arguments of a job, as JSON, contain a text, in upper or lower case; what
    is not shown is not looked at.

    Of a payload that cannot be read, the whole text counts.
    """
    return text is None or any(text.lower() in form.lower() for form in written_forms(view))


def written_forms(view: JobView) -> Iterator[str]:
    """Returns the arguments of a job as JSON, in each form in which people may write it."""
    if view.name is not None:
        try:
            arguments = [*view.shown_args, *filter(None, [view.shown_kwargs])]
            yield json.dumps(arguments, ensure_ascii=False)
            yield json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
            yield json.dumps(arguments)
        except (ValueError, RecursionError):
            yield view.raw if view.redaction is NOTHING else ""
    else:
        yield view.raw


def has_tag(view: JobView, tag: str | None) -> bool:
    """Returns whether a job has this tag; None counts as any."""
    return tag is None or tag in view.tags
