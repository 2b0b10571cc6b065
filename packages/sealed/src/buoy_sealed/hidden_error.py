"""Errors without their messages, which may hold arguments of a job."""

from typing import Any

from buoy import DirtyExit, SealError
from buoy.plugins import SEALED


def hidden_error(error: BaseException) -> BaseException:
    """Returns an error of the type of this one, from the same lines, that shows ``[sealed]`` as its
    message, and has no causes and notes. Other attributes remain: plugins may decide by them.
    Errors that the worker raises to end a run, and exits with a number, are returned as they
    are."""
    if isinstance(error, DirtyExit | SealError):
        return error
    if isinstance(error, SystemExit):
        return error if isinstance(error.code, int | None) else SystemExit(SEALED)
    try:
        hidden = alike(error)
    except Exception:  # noqa: BLE001 - its class may refuse a subclass, or an object without arguments
        hidden = SealError(f"{type(error).__name__}: {SEALED}")
    return hidden.with_traceback(error.__traceback__)


def alike(error: BaseException) -> BaseException:
    """Returns an object of a subclass that differs in what it shows."""
    kind: Any = type(error)
    built_in: Any = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    texts = {"__str__": lambda self: SEALED, "__repr__": lambda self: SEALED}
    # Sentry shows these two in place of the text of an error.
    more = {"message": SEALED, "detail": SEALED, "__notes__": []}
    made: BaseException = built_in.__new__(type(kind)(kind.__name__, (kind,), names | texts | more))
    vars(made).update((name, each) for name, each in vars(error).items() if name not in more)
    if isinstance(error, OSError):
        made.errno = error.errno  # type: ignore[attr-defined]  # it is one, too
    return made
