"""A hook that observes: all its implementations are called, and none changes anything."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from ..errors import PluginError
from ..model.failure import limited_traceback
from ..process.logs import ctrl_c_raises, logger
from ..text.safe import error_message, safe_text, type_name
from .facts import facts
from .run_log import exc_info_since, in_format, log_fields

LOG = "buoy.plugin"

Caught = type[BaseException] | tuple[()]
"""The errors to catch; an empty tuple catches none."""


class Event:
    """A hook that decides nothing: it calls all implementations, one after the other.

    It logs an error that one of them raises, and calls the next one. Errors of other types than
    ``catch`` leave it.
    """

    __slots__ = ("catch", "implementations", "name")

    def __init__(
        self, name: str, implementations: Sequence[Any], catch: Caught = BaseException
    ) -> None:
        self.name, self.implementations, self.catch = name, tuple(implementations), catch
        for each in implementations:
            check_plain(each, name)

    def __call__(self, catch: Caught | None = None, **values: Any) -> None:
        caught = self.catch if catch is None else catch
        for each in self.implementations:
            try:
                each.function(*[values[name] for name in each.argnames])
            except caught as error:
                if self.is_from_outside(error, values.get("job")):
                    raise
                log_failed_hook(self.name, each.plugin, error, values)

    def is_from_outside(self, error: BaseException, job: Any) -> bool:
        """Whether not the hook has raised this error, but somebody who interrupts it: Ctrl-C, or
        the worker that ends the job, while its outcome is not decided."""
        if issubclass(type(error), KeyboardInterrupt):
            return ctrl_c_raises()
        return self.name == "before_run" and error is facts(job).ended_by


NEEDS_A_LOOP = 0x20 | 0x80 | 0x200
"""The flags of the code of generators, coroutine functions and asynchronous generators."""


def check_plain(implementation: Any, hook: str) -> None:
    """Raise PluginError for an implementation that would do nothing when it is called."""
    code = getattr(implementation.function, "__code__", None)
    flags = code.co_flags if code is not None else 0
    if implementation.wrapper or implementation.hookwrapper or flags & NEEDS_A_LOOP:
        raise PluginError(
            f"{source_name(implementation.plugin)}.{hook}: expected a plain function, since the "
            "hook decides nothing and is not awaited; got a wrapper, a generator or a coroutine "
            "function"
        )


def source_name(source: object) -> str:
    return source.__name__ if isinstance(source, ModuleType) else repr(source)


def log_failed_hook(
    hook: str, source: object, error: BaseException, values: Mapping[str, Any]
) -> None:
    """Log an error of a hook, with its traceback. ``values`` are those that the hook got."""
    fields = fields_in(values)
    whose, kind = in_format(safe_text(lambda: source_name(source))), type_name(type(error))
    which = " id=%s" if fields else ""
    logger(LOG).error(
        f"hook {hook} of {whose} failed: {in_format(kind)}: %s{which}",
        error_message(error),
        *([fields["job_id"]] if fields else []),
        exc_info=(exc_info := exc_info_since(error, None)),
        trace=limited_traceback(error, exc_info[2]),
        extra=fields,
    )


def fields_in(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a log record about the job that a hook was told of; none if it was of none."""
    if values.get("job") is not None:
        return log_fields(values["job"])
    run = values.get("run")
    if run is None:
        return {}
    fields = {"job_id": run.id, "job_class": run.name, "queue": run.queue, "attempt": run.attempt}
    return fields | {"worker": run.worker, "state": "running", "tags": list(run.tags)}


def event_or_none(name: str, implementations: Sequence[Any]) -> Event | None:
    return Event(name, implementations) if implementations else None
