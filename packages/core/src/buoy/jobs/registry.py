"""Which job class has which name: a name from Redis is only ever looked up here."""

from typing import TYPE_CHECKING

from ..errors import ConfigurationError, UnknownJob
from .origin import full_name, is_alike, is_of_session, is_same, made_together

if TYPE_CHECKING:
    from .job import Job

registry: dict[str, "type[Job]"] = {}
aside: dict[str, str] = {}
"""Names of classes that are loaded, but not to be run here, and why."""


def register(job: "type[Job]") -> None:
    """Make the class findable by its name; a name belongs to one class."""
    known = registry.get(job.name)
    if known is not None and not is_same(known, job):
        raise ConfigurationError(
            f"{full_name(job)}.name: expected a name of its own, got {job.name!r}, which is that "
            f"of {full_name(known)}; {remedy(known, job)}"
        )
    if known is not None and made_together(known, job):
        known._findable = None
    registry[job.name] = job


def set_aside(job: "type[Job]", why: str) -> None:
    """Let no job of that class run in this process."""
    registry.pop(job.name, None)
    aside[job.name] = why


def remedy(known: "type[Job]", job: "type[Job]") -> str:
    if full_name(known) != full_name(job):
        return "give one of them another name"
    return (
        "give each a name: name = '...' on the class, @job(name='...') on a function; or let the "
        "decorator that made both use functools.wraps"
    )


def named(name: str) -> "type[Job]":
    """The job class of that name, if the app has imported it."""
    try:
        return registry[name]
    except KeyError:
        if name in aside:
            raise UnknownJob(f"job class {name!r} is not served here: {aside[name]}") from None
        raise UnknownJob(
            f"no job named {name!r}: expected one of the {len(registry)} job classes that the app "
            f"has imported; {how_to_import(name)}, then retry the job"
        ) from None


def how_to_import(name: str) -> str:
    if name.startswith(("__main__.", "__mp_main__.")):
        return "put the class into a module, and import that in what -a names"
    if ".<locals>." in name:
        return "call the function that makes it where its module is imported, or move it out of it"
    return "import its module in what -a names"


def check_findable(job: "type[Job]") -> None:
    """Raise ConfigurationError if a worker that is asked for the name would not find this class."""
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
