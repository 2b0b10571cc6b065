"""The job classes by name. Names that come from Redis are looked up only here."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import ConfigurationError, UnknownJob
from .origin import full_name, is_alike, is_of_session, is_same, made_together

if TYPE_CHECKING:
    from .job import Job

registry: dict[str, "type[Job]"] = {}
not_served: dict[str, str] = {}
"""Names of classes that are loaded but must not run in this process -> the reason."""
finders: list[Callable[[str], object]] = []
"""Called with a name that is not known, before it counts as unknown."""


def find_classes_by(finder: Callable[[str], object]) -> None:
    """Call ``finder`` with the name of a job whose class is not loaded, when a job is to run.

    It may import the module of that class, or do nothing. What it raises is the error of the job.
    """
    if finder not in finders:
        finders.append(finder)


def register(job: "type[Job]") -> None:
    """Add a class by its name. Raises ConfigurationError if the name is that of another class."""
    known = registry.get(job.name)
    if known is not None and not is_same(known, job):
        raise ConfigurationError(
            f"{full_name(job)}.name: expected a name of its own, got {job.name!r}, which is that "
            f"of {full_name(known)}; {advice_for_same_name(known, job)}"
        )
    if known is not None and made_together(known, job):
        known._findable = None
    registry[job.name] = job


def exclude(job: "type[Job]", why: str) -> None:
    """Let no job of this class run in this process; ``why`` is a part of the error."""
    registry.pop(job.name, None)
    not_served[job.name] = why


def advice_for_same_name(known: "type[Job]", job: "type[Job]") -> str:
    """Returns what to do about two classes of one name."""
    if full_name(known) != full_name(job):
        return "give one of them another name"
    return (
        "give each a name: name = '...' on the class, @job(name='...') on a function; or let the "
        "decorator that made both use functools.wraps"
    )


def find_class(name: str) -> "type[Job]":
    """Returns the job class of this name; raises UnknownJob, and what a finder raises."""
    if name not in registry and name not in not_served:
        for finder in finders:
            finder(name)
    try:
        return registry[name]
    except KeyError:
        if name in not_served:
            raise UnknownJob(f"job class {name!r} is not served here: {not_served[name]}") from None
        raise UnknownJob(
            f"no job named {name!r}: expected one of the {len(registry)} job classes that the app "
            f"has imported; {how_to_import(name)}, then retry the job"
        ) from None


def how_to_import(name: str) -> str:
    """Returns what to do so that a worker finds the class of this name."""
    if name.startswith(("__main__.", "__mp_main__.")):
        return "put the class into a module, and import that in what -a names"
    if ".<locals>." in name:
        return "call the function that makes it where its module is imported, or move it out of it"
    return "import its module in what -a names"


def check_findable(job: "type[Job]") -> None:
    """Raise ConfigurationError if a worker would not find this class by its name."""
    if is_of_session(job):
        raise ConfigurationError(
            f"{job.__qualname__}: expected a class of a module that workers can import, got one of "
            "a session (a prompt, a notebook, python -c, standard input); put it into a file, and "
            "import it from there; or give it the name of one that they have, "
            "name = 'shop.Charge'; or run it here, in app.inline()"
        )
    known = registry.get(job.name, job)
    if known is not job and made_together(known, job) and not is_alike(known, job):
        raise ConfigurationError(
            f"{job.name}: expected the class that is known by this name, got another one, made "
            "before it by the same code; give each a name of its own"
        )
    job._findable = job
