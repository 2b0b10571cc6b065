"""Where a job class comes from: how other processes import it, and whether two classes of one name
are the same class, loaded twice."""

import inspect
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

MAINS = ("__main__", "__mp_main__")
"""Names of the module with which a process was started; the second one in a child that
``multiprocessing`` has spawned."""
NO_FILES = ("<", "/dev/", "/proc/")
"""Prefixes of files that no other process can read."""
DEPTH = 10
"""The number of wrappers, one inside the other, that are followed."""


def module_of(cls: type) -> str:
    """Returns the module from which other processes import the class, also if it runs as a script
    here."""
    if cls.__module__ not in MAINS:
        return cls.__module__
    names = names_around(cls)
    spec = names.get("__spec__")
    if spec is not None and spec.name not in MAINS:  # cProfile gives a script one, too
        return str(spec.name)
    file = names.get("__file__") or "<stdin>"
    return "__main__" if file.startswith(NO_FILES) else Path(file).stem


def names_around(cls: type) -> dict[str, Any]:
    """Returns the globals of the module in which a class is made.

    A program that runs a script, as cProfile does, may be the main module instead of the script, so
    the methods of the class are asked first.
    """
    for value in vars(cls).values():
        method = value.__func__ if type(value) in (staticmethod, classmethod) else value
        if type(method) is FunctionType and method.__globals__.get("__name__") == cls.__module__:
            return method.__globals__
    return vars(sys.modules[cls.__module__])


def is_of_session(cls: Any) -> bool:
    """Whether no other process can import the class by its name: it was typed into a session, or
    piped in, and has not been given the name of a class that others have."""
    return module_of(cls) in MAINS and cls.name == full_name(cls)


def execution(cls: type) -> Any:
    """Returns an object that is another one each time that the module of the class is executed."""
    return getattr(sys.modules.get(cls.__module__), "__spec__", None)


def full_name(cls: type) -> str:
    return f"{module_of(cls)}.{cls.__qualname__}"


def is_same(known: Any, new: Any) -> bool:
    """Whether a new class is a known one, made again: its module was loaded anew, the function that
    makes it was called again, or it is a copy, such as dataclass(slots=True) makes."""
    mine, theirs = (inspect.getattr_static(each, "perform") for each in (known, new))
    if mine is theirs and (known.__module__, known.__name__) == (new.__module__, new.__name__):
        return True
    if full_name(known) != full_name(new):
        return False
    if not made_together(known, new) or module_of(new) in MAINS:
        return True
    return codes(mine) == codes(theirs)


def made_together(known: Any, new: Any) -> bool:
    """Whether both classes were made by one execution of their module."""
    return known.__module__ == new.__module__ and known._made_in is new._made_in


def is_alike(known: Any, new: Any) -> bool:
    """Whether the code, the closures and the plugins of two classes are equal."""
    mine, theirs = (inspect.getattr_static(each, "perform") for each in (known, new))
    if codes(mine) != codes(theirs):
        return False
    return are_equal(
        [known._declared, *closure_values(mine)], [new._declared, *closure_values(theirs)]
    )


def codes(method: Any) -> list[object]:
    """Returns the code that a call of the method runs, wrapped code included."""
    return [each for each in parts_of(method, DEPTH) if isinstance(each, (CodeType, str))]


def closure_values(method: Any) -> list[object]:
    """Returns the values in the closures of a method, without code."""
    return [each.value for each in parts_of(method, DEPTH) if isinstance(each, Value)]


class Value:
    def __init__(self, value: object) -> None:
        self.value = value


def parts_of(method: Any, depth: int) -> Iterator[object]:
    """Yields the code, the names of classes, and the closed-over values of a method."""
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
        yield from parts_of(each, depth - 1)


def contents(cell: Any) -> list[Any]:
    try:
        return [cell.cell_contents]
    except ValueError:  # it is empty
        return []


def vars_of(value: Any) -> list[Any]:
    return list(getattr(value, "__dict__", {}).values())


def are_equal(some: list[object], others: list[object]) -> bool:
    """Whether two lists are equal; False if a comparison raises an error."""
    try:
        return len(some) == len(others) and all(map(equal, some, others))
    except Exception:  # noqa: BLE001 - a comparison may raise anything
        return False


def equal(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))
