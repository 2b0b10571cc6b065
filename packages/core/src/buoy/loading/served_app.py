"""Which app a worker serves: the one to which the job classes belong that it has loaded."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..jobs.declaration import app_of
from ..jobs.job import Job
from ..jobs.registry import exclude, registry
from ..process.logs import logger
from ..settings import Settings
from ..text.urls import masked

if TYPE_CHECKING:
    from ..app import App

LOG = "buoy.worker"
NAMED = 5
"""So many classes are named in a message; of the others it tells the number."""

Jobs = list[type[Job]]


@dataclass(frozen=True)
class Address:
    """A Redis and a namespace: apps with the same address are one app."""

    url: str = field(repr=False)
    namespace: str

    @classmethod
    def of(cls, app: "App") -> "Address":
        """Where an app keeps its jobs."""
        return cls(normal(app.settings.url), app.settings.namespace)

    def __str__(self) -> str:
        return f"{masked(self.url)} (namespace {self.namespace})"


@dataclass(frozen=True)
class Wanted:
    """What ``--url`` and ``--namespace`` say; None where they are not given."""

    url: str | None = field(default=None, repr=False)
    namespace: str | None = None

    def fits(self, address: Address) -> bool:
        """Whether this may be the address that is meant."""
        right_url = self.url is None or normal(self.url) == address.url
        return right_url and self.namespace in (None, address.namespace)

    def __str__(self) -> str:
        given = {"--url": self.url and masked(self.url), "--namespace": self.namespace}
        return " ".join(f"{option} {value}" for option, value in given.items() if value)


ANY = Wanted()


def serve(wanted: Wanted) -> Settings:
    """Choose the app to serve and return its settings; the classes of others are set aside, so
    that their jobs fail if they turn up here.

    Raises ConfigurationError when no class could be served, or when several apps are possible.
    """
    groups = by_address(registry.values())
    chosen = choose(groups, wanted)
    settings = groups[chosen][0].app.settings
    warn_of_unused_url(settings)
    for address, jobs in groups.items():
        if address != chosen:
            leave_out(jobs, address, chosen)
    return settings


def choose(groups: dict[Address, Jobs], wanted: Wanted) -> Address:
    if not groups:
        raise ConfigurationError(
            "-a: expected modules that declare or import job classes, got none of these"
        )
    fitting = [address for address in groups if wanted.fits(address)]
    if not fitting:
        raise mismatch(wanted, groups)
    default = Address.of(Job.app)
    if len(fitting) == 1 or default in fitting:
        return fitting[0] if len(fitting) == 1 else default
    raise ConfigurationError(
        f"-a: expected the job classes of one app, got those of several: {told(groups)}; "
        "choose one by --url and --namespace"
    )


def check_app(job: type[Job], wanted: Wanted) -> None:
    """Raise ConfigurationError unless the app of a class is the one that is wanted."""
    address = Address.of(app_of(job))
    if not wanted.fits(address):
        raise mismatch(wanted, {address: [job]})


def by_address(jobs: Iterable[type[Job]]) -> dict[Address, Jobs]:
    groups: dict[Address, Jobs] = {}
    for job in jobs:
        groups.setdefault(Address.of(app_of(job)), []).append(job)
    return groups


def check_all(wanted: Wanted) -> None:
    """Raise ConfigurationError unless the apps of all classes are as wanted."""
    groups = by_address(registry.values())
    others = {address: jobs for address, jobs in groups.items() if not wanted.fits(address)}
    if others:
        raise mismatch(wanted, others)


def mismatch(wanted: Wanted, groups: dict[Address, Jobs]) -> ConfigurationError:
    return ConfigurationError(
        f"{wanted}: expected the app of the job classes, which have one of their own: "
        f"{told(groups)}; leave the option out, or let the app read BUOY_URL and BUOY_NAMESPACE"
    )


def leave_out(jobs: Jobs, address: Address, chosen: Address) -> None:
    said = "not served: %s: their app is %s, this worker serves %s"
    logger(LOG).warning(said, names(jobs), address, chosen)
    for job in jobs:
        exclude(job, f"its app is {address}, and this worker serves {chosen}")


def warn_of_unused_url(settings: Settings) -> None:
    given = os.environ.get("BUOY_URL")
    if given and normal(given) != normal(settings.url):
        said = "BUOY_URL=%s is not used: the app names a Redis of its own, %s"
        logger(LOG).warning(said, masked(given), masked(settings.url))


def told(groups: dict[Address, Jobs]) -> str:
    return "; ".join(f"{address}: {names(jobs)}" for address, jobs in groups.items())


def names(jobs: Sequence[type[Job]]) -> str:
    more = len(jobs) - NAMED
    some = ", ".join(sorted(job.name for job in jobs)[:NAMED])
    return f"{some} and {more} more" if more > 0 else some


LOCAL = ("localhost", "::1")


def normal(url: str) -> str:
    """The URL in one spelling: with the port, the database, the folder that are meant."""
    try:
        if url.startswith("embedded:"):
            return in_folder(url)
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss"):
            return url
        login, at, _ = parts.netloc.rpartition("@")
        host = parts.hostname or "localhost"
        host = "127.0.0.1" if host in LOCAL else f"[{host}]" if ":" in host else host
        path = parts.path.strip("/") or "0"
        netloc = f"{login}{at}{host}:{parts.port or 6379}"
        return parts._replace(netloc=netloc, path=f"/{path}").geturl()
    except ValueError:
        return url


def in_folder(url: str) -> str:
    from ..embedded.join import (  # threads come with it, which forked jobs would pay for
        SCHEME,
        folder_of,
    )

    return f"{SCHEME}{folder_of(url)}"
