"""Errors without their messages, which may hold arguments of a job.

Nothing here trusts the class of an error: it may refuse subclasses, want arguments, raise in its
``__str__``, or tell something else of itself than Python knows.
"""

import builtins
from typing import Any

from buoy import DirtyExit, JobTimeout, MemoryExceeded, SealError, Terminated, WorkerLost
from buoy.plugins import SEALED, describe_error

ENDS_OF_RUNS = (DirtyExit, JobTimeout, MemoryExceeded, Terminated, WorkerLost, SealError)
"""The types of errors with which buoy itself ends runs."""
SHOWN_AS_IT_IS = "shows_no_arguments"
"""A package that ends runs by an error of its own says by this attribute of the class that its
message holds nothing of a job."""
STANDS_FOR = "__stands_for__"
"""By this attribute a class says of which class its errors are: it was made from that one."""
DEEPEST = 20
"""How many errors may lie in each other, as causes or in groups."""
CHAIN = ("__cause__", "__context__", "__suppress_context__")

fields_of = {
    kind: {name: kind.__dict__[name] for name in names}
    for kind, names in {
        BaseException: ("__traceback__", *CHAIN, "__dict__"),
        BaseExceptionGroup: ("exceptions",),
        OSError: ("errno",),
        SystemExit: ("code",),
        type: ("__name__", "__qualname__", "__module__"),
    }.items()
}
"""Read and write the attributes of Python's own classes, also where a class redefines the names."""


def read(kind: type, name: str, object: Any) -> Any:
    return fields_of[kind][name].__get__(object)


def write(kind: type, name: str, object: Any, value: Any) -> None:
    fields_of[kind][name].__set__(object, value)


def hidden_error(error: BaseException) -> BaseException:
    """Returns an error of the type of this one, from the same lines, that shows ``[sealed]`` as its
    message, and has no notes; as its causes, such errors. Other attributes remain: plugins may
    decide by them.

    An error by which buoy or a package ends a run is returned itself. An error whose class no other
    class can be made of becomes a SealError that names it. Never raises.
    """
    return hide(error, {}, 0)


def hide(error: BaseException, known: dict[int, BaseException], level: int) -> BaseException:
    """Returns ``hidden_error`` of an error that is ``level`` causes and groups deep in another one.
    ``known``: those that were made before, by the ids of the errors."""
    if type(error) in ENDS_OF_RUNS or SHOWN_AS_IT_IS in type.__dict__["__dict__"].__get__(
        type(error)
    ):
        return alone(error)
    if id(error) in known:
        return known[id(error)]
    try:
        hidden = alike(error, known, level)
    except BaseException:  # noqa: BLE001 - the class of the error is the user's
        hidden = SealError(f"{describe_error(error)[0]}: {SEALED}")
    known[id(error)] = hidden
    keep_chain(error, hidden, known, level + 1)
    return BaseException.with_traceback(hidden, read(BaseException, "__traceback__", error))


def keep_chain(
    error: BaseException, hidden: BaseException, known: dict[int, BaseException], level: int
) -> None:
    """Let an error have the causes of the other one, hidden; none that are deeper than DEEPEST.

    What is shown as its context becomes its cause: Python gives an error that is raised again
    another context, which would not be hidden. That is not shown beside a cause, also if it is
    None.
    """
    cause, context, suppressed = (read(BaseException, name, error) for name in CHAIN)
    shown = cause if cause is not None or suppressed else context
    for name, each in (("__cause__", shown), ("__context__", context)):
        chained = None if each is None or level > DEEPEST else hide(each, known, level)
        write(BaseException, name, hidden, chained)


def alone(error: BaseException) -> BaseException:
    """Returns this error without its causes and notes: they may be errors of the job."""
    for name in ("__cause__", "__context__"):
        write(BaseException, name, error, None)
    read(BaseException, "__dict__", error).pop("__notes__", None)
    return error


class Shield:
    """Stands before a class among the bases of another one, and shows nothing of it."""

    def __init_subclass__(cls) -> None:
        """Does not ask the class behind: that may refuse subclasses."""

    def __str__(self) -> str:
        return SEALED

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return SEALED


def alike(error: BaseException, known: dict[int, BaseException], level: int) -> BaseException:
    """Returns an object of a subclass that differs in what it shows. Neither the metaclass nor
    ``__new__`` and ``__init__`` of the class are called: they may want anything."""
    kind = type(error)
    name, qualname, module = (read(type, field, kind) for field in fields_of[type])
    # Sentry shows these two in place of the text of an error.
    shown = {"message": SEALED, "detail": SEALED, "__notes__": []}
    names = {"__qualname__": qualname, "__module__": module, STANDS_FOR: kind}
    subclass: Any = type.__new__(type(kind), name, (Shield, kind), names | shown)
    built_in: Any = next(base for base in kind.__mro__ if is_built_in(base))
    made: BaseException = built_in.__new__(subclass, *arguments_for(error, known, level))
    kept = read(BaseException, "__dict__", error)
    rest = {name: value for name, value in kept.items() if name not in shown}
    read(BaseException, "__dict__", made).update(rest)
    keep_number(error, made)
    return made


def keep_number(error: BaseException, made: BaseException) -> None:
    """Let an error have the number of the other one: of an error of the system, of an exit."""
    for kind, name in ((OSError, "errno"), (SystemExit, "code")):
        if issubclass(type(error), kind):
            number = read(kind, name, error)
            none = SEALED if kind is SystemExit else None
            shown = number if type(number) in (int, bool, type(None)) else none
            write(kind, name, made, shown)


def arguments_for(
    error: BaseException, known: dict[int, BaseException], level: int
) -> tuple[Any, ...]:
    """Returns what the built-in class of an error needs to make one: a group needs its errors."""
    if not issubclass(type(error), BaseExceptionGroup):
        return ()
    if level >= DEEPEST:
        return SEALED, [SealError(SEALED)]
    inner = read(BaseExceptionGroup, "exceptions", error)
    return SEALED, [hide(each, known, level + 1) for each in inner]


def is_built_in(kind: type) -> bool:
    """Whether this is a class of Python itself, whatever the class says of its module."""
    return getattr(builtins, read(type, "__name__", kind), None) is kind
