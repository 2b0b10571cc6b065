"""Where a job class comes from: how others import it, and whether two of a name are one."""

import inspect
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

MAINS = ("__main__", "__mp_main__")
"""What the module is called that a process was started with; the second in a child that
``multiprocessing`` has spawned."""
NO_FILES = ("<", "/dev/", "/proc/")
"""What the name of a file begins with that no other process can read."""
DEPTH = 10
"""So far wrappers, and what they have closed over, are followed."""


def module_of(cls: type) -> str:
    """The module by which other processes import the class, also when it now runs as a script."""
    if cls.__module__ not in MAINS:
        return cls.__module__
    names = names_around(cls)
    if names.get("__spec__") is not None:
        return str(names["__spec__"].name)
    file = names.get("__file__") or "<stdin>"
    return "__main__" if file.startswith(NO_FILES) else Path(file).stem


def names_around(cls: type) -> dict[str, Any]:
    """The names of the module in which a class is made. What runs a script, as cProfile does, may
    be the main module in its place, so its methods are asked first."""
    for value in vars(cls).values():
        method = value.__func__ if type(value) in (staticmethod, classmethod) else value
        if type(method) is FunctionType and method.__globals__.get("__name__") == cls.__module__:
            return method.__globals__
    return vars(sys.modules[cls.__module__])


def is_of_session(cls: Any) -> bool:
    """Whether no other process can import it under its name: it was typed in, or came through a
    pipe, and nobody has given it the name of one that others have."""
    return module_of(cls) in MAINS and cls.name == full_name(cls)


def execution(cls: type) -> Any:
    """What is another object each time that the module of the class is executed."""
    return getattr(sys.modules.get(cls.__module__), "__spec__", None)


def full_name(cls: type) -> str:
    return f"{module_of(cls)}.{cls.__qualname__}"


def is_same(known: Any, new: Any) -> bool:
    """Whether a class is one that there was before: its module was loaded anew, the function that
    makes it was called again, or somebody has made a copy of it, as dataclass(slots=True) does."""
    mine, theirs = (inspect.getattr_static(each, "perform") for each in (known, new))
    if mine is theirs and (known.__module__, known.__name__) == (new.__module__, new.__name__):
        return True
    if full_name(known) != full_name(new):
        return False
    if not made_together(known, new) or module_of(new) in MAINS:
        return True
    return codes(mine) == codes(theirs)


def made_together(known: Any, new: Any) -> bool:
    """Whether both are of one execution of their module."""
    return known.__module__ == new.__module__ and known._made_in is new._made_in


def is_alike(known: Any, new: Any) -> bool:
    """Whether it makes no difference which of two runs, as far as can be told."""
    mine, theirs = (inspect.getattr_static(each, "perform") for each in (known, new))
    if codes(mine) != codes(theirs):
        return False
    return are_equal([known.declared, *values(mine)], [new.declared, *values(theirs)])


def codes(method: Any) -> list[object]:
    """The code that a call runs, behind wrappers too."""
    return [each for each in parts(method, DEPTH) if isinstance(each, (CodeType, str))]


def values(method: Any) -> list[object]:
    """What it has closed over beside code."""
    return [each.value for each in parts(method, DEPTH) if isinstance(each, Value)]


class Value:
    def __init__(self, value: object) -> None:
        self.value = value


def parts(method: Any, depth: int) -> Iterator[object]:
    """The code, the names of classes, and the values that a method is made of."""
    if depth == 0:
        return
    inner: list[Any] = []
    match method:
        case FunctionType():
            yield from (method.__code__, method.__code__.co_filename)
            inner = [cell for each in method.__closure__ or () for cell in contents(each)]
        case staticmethod() | classmethod():
            inner = [method.__func__]
        case partial():
            inner = [method.func, *method.args, *method.keywords.values()]
        case type():
            yield f"{method.__module__}.{method.__qualname__}"
        case _ if callable(method):
            called = vars(type(method)).get("__call__")
            inner = [called, *vars_of(method), getattr(method, "__wrapped__", None)]
        case _:
            yield Value(method)
    for each in inner:
        yield from parts(each, depth - 1)


def contents(cell: Any) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # it is empty
        return []


def vars_of(value: Any) -> list[Any]:
    return list(getattr(value, "__dict__", {}).values())


def are_equal(some: list[object], others: list[object]) -> bool:
    try:
        return len(some) == len(others) and all(map(equal, some, others))
    except Exception:  # noqa: BLE001 - whatever they do when they are compared
        return False


def equal(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))
