"""Job classes and jobs, as plugins make them and look at them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from ..errors import SealError
from ..jobs import building
from ..jobs.arguments import codecs_of
from ..jobs.facts import facts
from ..jobs.job import Job
from ..jobs.plugin import Plugin
from ..jobs.redacting import is_sealed, redaction_of, shown_arguments
from ..jobs.registry import registry
from ..jobs.sealing import about, identifier_in, required_sealer, sealer_of
from ..model.checks import expect
from ..model.ending import GroupKey, groups_in
from ..model.names import checked_line
from ..model.options import options
from ..model.payload import SEALED
from ..model.signature import Signature
from ..model.transition import CommandArg
from ..text.safe import error_message, type_name

P = TypeVar("P", bound=Plugin)

job_classes: Mapping[str, type[Job]] = MappingProxyType(registry)
"""The job classes that this process has loaded, by name."""


def build_job(
    job: type[Job] | str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    queue: str | None = None,
    id: str | None = None,
    newer: tuple[str, int] | None = None,
    claim: str | None = None,
    tags: Sequence[str] = (),
) -> Job:
    """Returns a job that is not enqueued; ``app.submit_many`` enqueues it.

    ``job`` is a class, or the name of one that need not be loaded; a name needs ``queue``. ``id``,
    ``newer`` and ``tags`` are those of ``Job.using``. ``claim`` is a claim of the job beside those
    of its plugins. Raises InvalidArguments or ConfigurationError for arguments that are not valid.
    """
    chosen = options(queue, None, None, id, newer, tags)
    if isinstance(job, str):
        name = checked_line(job, "build_job(job)")
        expect(queue is not None, "build_job(queue)", "a queue for a class by its name", queue)
        made = building.build_named(name, args, kwargs, chosen)
    else:
        made = building.build_job(job, (args, kwargs or {}), chosen)
    facts(made).claim = claim
    return made


def enqueue_then(job: Job, command: str, key: str, *args: CommandArg) -> None:
    """Let a Redis command go with the enqueueing of a job that was built, in the same instant; see
    ``Transition.then``."""
    facts(job).then = (*facts(job).then, (command, key, *args))


def tell_end(job: Job, group: GroupKey, member: str) -> None:
    """Let a group know how a job that was built has ended, whenever it does; see
    ``Transition.tell_end``."""
    facts(job).told = (*group, member)


def groups_of(job: Job) -> list[GroupKey]:
    """Returns the groups that are told of the end of a job that runs."""
    return groups_in(facts(job).payload.claims)


def plugins_of(job: type[Job] | Job, kind: type[P]) -> list[P]:
    """Returns the plugins of this type of the class of a job, and of its app."""
    return [plugin for plugin in job._plugins() if isinstance(plugin, kind)]


def arguments_of(job: Job, *, shown: bool = False) -> dict[str, Any]:
    """Returns the arguments of a job by their names, as JSON; missing ones have their defaults.
    With ``shown`` they are as people may see them, see ``shown_arguments``."""
    payload = facts(job).payload
    sealed = shown and is_sealed(job)
    plain = sealed or not shown
    args, kwargs = (payload.args, payload.kwargs) if plain else shown_arguments(job)
    call = type(job)._signature.signature.bind(*args, **kwargs)
    given = set(call.arguments)
    if sealed:
        return dict.fromkeys(given, SEALED)
    call.apply_defaults()
    codecs = codecs_of(type(job))
    if codecs is not None:
        for name in call.arguments.keys() - given:
            default = call.arguments[name]
            call.arguments[name] = type(job)._signature.stored_default(name, default, codecs)
    return redaction_of(job).shown_kwargs(call.arguments) if shown else call.arguments


def declared_arguments(job: Job) -> tuple[list[Any], dict[str, Any]]:
    """Returns the arguments of a job as ``perform`` gets them, made anew. Raises InvalidArguments
    and SealError."""
    known = facts(job)
    known.declare_arguments()
    return known.arguments()


def set_signature(job: type[Job], signature: Signature) -> None:
    """Let ``enqueue`` of this class check arguments by another signature than that of ``perform``.

    For a class whose ``perform`` passes its arguments on.
    """
    job._signature, job._codecs = signature, (None, None)


def describe_error(error: BaseException) -> tuple[str, str]:
    """Returns type and message of an error as the failed set shows them; never raises."""
    return type_name(type(error)), error_message(error)


# What plugins keep of jobs whose arguments are sealed


def seal_text(name: str, id: str, text: str, what: str) -> str | None:
    """Returns a text that belongs to a job, such as its result, sealed; None if its class seals
    nothing. ``name``: of the class; ``what``: names the text, which opens with these three alone.
    Raises SealError."""
    sealer = sealer_of(registry.get(name, Job))
    return None if sealer is None else sealer.seal(text, about(name, id, what))


def open_text(name: str, id: str, sealed: str, what: str) -> str:
    """Returns the text of ``seal_text``; raises SealError."""
    kind = registry.get(name, Job)
    if kind is Job and sealer_of(Job) is None:
        raise SealError(f"the class {name!r:.200} is not loaded here; import its module")
    return required_sealer(kind, name).open(sealed, about(name, id, what))


def identifier_of(job: Job, value: Any) -> str:
    """Returns a digest of a JSON value that belongs to the class of a job: equal for equal values,
    and made with a key if the arguments of the class are sealed. Raises what JSON raises, and
    SealError."""
    return identifier_in(type(job), job.name, value)
