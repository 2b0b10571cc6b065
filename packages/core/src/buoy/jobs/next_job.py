"""The next job of a chain, in the run of the one before it: it is enqueued with the good end of
that, and carries the rest.

It is made before ``perform`` begins, so that one that cannot be made fails the run before it has
done anything. Only if it needs the result it is made afterwards.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..model.link import RESULT, STANDS_FOR_RESULT, Link, exchanged
from ..model.options import GivenOptions, Options, options
from ..model.payload import parse_json
from ..model.signature import NormalizedArguments
from .after_success import enqueueing_after
from .arguments import codecs_of
from .facts import Facts
from .registry import find_class
from .sealing import about, required_sealer

if TYPE_CHECKING:
    from .job import Job


class NextJob:
    """The next job of a chain, in the run of the one before it."""

    __slots__ = ("args", "job", "kwargs", "options", "run")

    def __init__(self, run: Facts) -> None:
        """Find its class, and open its arguments. Raises UnknownJob, SealError or
        InvalidArguments."""
        link, *rest = run.payload.chain
        self.run, self.job = run, find_class(link["class"])
        self.options = options_of(link, rest)
        args, kwargs = opened(self.job, link)
        args, kwargs = exchanged(args, kwargs, STANDS_FOR_RESULT, RESULT)
        if (codecs := codecs_of(self.job)) is not None:
            args, kwargs = codecs.decode(args, kwargs)
        self.args, self.kwargs = args, kwargs

    @property
    def needs_result(self) -> bool:
        return any(value is RESULT for value in (*self.args, *self.kwargs.values()))

    def enqueue(self, result: Any = None) -> None:
        """Enqueue it if the run ends well; ``result``: what ``perform`` has returned."""
        arguments = exchanged(self.args, self.kwargs, RESULT, result)
        with enqueueing_after(self.run):
            self.run.app._enqueue(self.job, [arguments], self.options)


def options_of(link: Link, rest: Sequence[Link]) -> Options:
    """Returns the options of the enqueueing. Those that this version does not know are left out.

    Raises ConfigurationError or InvalidArguments for what buoy has not written.
    """
    known, given = GivenOptions.__annotations__, dict(link.get("options", {}))
    if "newer" in given:
        given["newer"] = tuple(given["newer"])
    checked = options(**{name: value for name, value in given.items() if name in known})
    return replace(checked, chain=tuple(rest))


def opened(job: "type[Job]", link: Link) -> NormalizedArguments:
    """Returns the arguments of a link, as they are stored; raises SealError."""
    if "sealed" not in link:
        return link.get("args", []), link.get("kwargs", {})
    sealer = required_sealer(job, job.name)
    text = sealer.open(link["sealed"], about(job.name, link.get("id", ""), "arguments"))
    args, kwargs = parse_json(text)
    return args, kwargs


def begin_next(run: Facts) -> NextJob | None:
    """Prepare the next job of the chain. Returns it if it waits for the result of ``perform``; else
    it is enqueued with the good end of the run."""
    following = NextJob(run)
    if following.needs_result:
        return following
    following.enqueue()
    return None
