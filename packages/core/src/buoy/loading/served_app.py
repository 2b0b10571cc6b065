"""Selects the app that a worker serves: the app of the job classes that it has loaded."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..errors import ConfigurationError
from ..jobs.declaration import app_of
from ..jobs.job import Job
from ..jobs.plugin import Plugin
from ..jobs.registry import exclude, registry
from ..process.logs import logger
from ..settings import Settings, text_setting
from ..text.urls import masked

if TYPE_CHECKING:
    from ..app import App

LOG = "buoy.worker"
NAMES_SHOWN = 5
"""The number of classes that a message names; of others it gives the number."""

Jobs = list[type[Job]]


@dataclass(frozen=True)
class Address:
    """A Redis and a namespace. Apps with equal addresses count as one app."""

    url: str = field(repr=False)
    namespace: str

    @classmethod
    def of(cls, app: "App") -> "Address":
        """Returns the address of an app."""
        return cls(normalize_url(app.settings.url), app.settings.namespace)

    def __str__(self) -> str:
        return f"{masked(self.url)} (namespace {self.namespace})"


@dataclass(frozen=True)
class WantedApp:
    """The values of ``--url`` and ``--namespace``; None for an option that is not given."""

    url: str | None = field(default=None, repr=False)
    namespace: str | None = None

    def matches(self, address: Address) -> bool:
        """Whether the options allow this address."""
        right_url = self.url is None or normalize_url(self.url) == address.url
        return right_url and self.namespace in (None, address.namespace)

    def __str__(self) -> str:
        given = {"--url": self.url and masked(self.url), "--namespace": self.namespace}
        return " ".join(f"{option} {value}" for option, value in given.items() if value)


ANY = WantedApp()


def select_app(wanted: WantedApp) -> Settings:
    """Select the app to serve, and return its settings. Jobs of classes of other apps fail in this
    process.

    Raises ConfigurationError if no class can be served, or if several apps are possible.
    """
    groups = group_by_address(registry.values())
    chosen = choose_address(groups, wanted)
    settings = groups[chosen][0].app.settings
    warn_of_unused_url(settings)
    for address, jobs in groups.items():
        if address != chosen:
            exclude_jobs(jobs, address, chosen)
    return settings


def plugins_in_service() -> tuple[Plugin, ...]:
    """Returns the app-wide plugins of the classes that are served, each once. Raises
    ConfigurationError or PluginError."""
    apps = dict.fromkeys(job.app for job in registry.values())
    return tuple(dict.fromkeys(plugin for app in apps for plugin in app.plugins))


def choose_address(groups: dict[Address, Jobs], wanted: WantedApp) -> Address:
    if not groups:
        raise ConfigurationError(
            "-a: expected modules that declare or import job classes, got none of these"
        )
    fitting = [address for address in groups if wanted.matches(address)]
    if not fitting:
        raise wrong_app(wanted, groups)
    default = Address.of(Job.app)
    if len(fitting) == 1 or default in fitting:
        return fitting[0] if len(fitting) == 1 else default
    raise ConfigurationError(
        f"-a: expected the job classes of one app, got those of several: {format_groups(groups)}; "
        "choose one by --url and --namespace"
    )


def check_app(job: type[Job], wanted: WantedApp) -> None:
    """Raise ConfigurationError unless the options allow the app of a class."""
    address = Address.of(app_of(job))
    if not wanted.matches(address):
        raise wrong_app(wanted, {address: [job]})


def group_by_address(jobs: Iterable[type[Job]]) -> dict[Address, Jobs]:
    groups: dict[Address, Jobs] = {}
    for job in jobs:
        groups.setdefault(Address.of(app_of(job)), []).append(job)
    return groups


def check_all_apps(wanted: WantedApp) -> None:
    """Raise ConfigurationError unless the options allow the apps of all classes."""
    groups = group_by_address(registry.values())
    others = {where: jobs for where, jobs in groups.items() if not wanted.matches(where)}
    if others:
        raise wrong_app(wanted, others)


def wrong_app(wanted: WantedApp, groups: dict[Address, Jobs]) -> ConfigurationError:
    return ConfigurationError(
        f"{wanted}: expected the app of the job classes, which have one of their own: "
        f"{format_groups(groups)}; leave the option out, or let the app read BUOY_URL and "
        "BUOY_NAMESPACE"
    )


def exclude_jobs(jobs: Jobs, address: Address, chosen: Address) -> None:
    said = "not served: %s: their app is %s, this worker serves %s"
    logger(LOG).warning(said, format_names(jobs), address, chosen)
    for job in jobs:
        exclude(job, f"its app is {address}, and this worker serves {chosen}")


def warn_of_unused_url(settings: Settings) -> None:
    given = text_setting("url")
    if given and normalize_url(given) != normalize_url(settings.url):
        name = "BUOY_URL=" if os.environ.get("BUOY_URL") else "the url of the configuration file, "
        said = "%s%s is not used: the app names a Redis of its own, %s"
        logger(LOG).warning(said, name, masked(given), masked(settings.url))


def format_groups(groups: dict[Address, Jobs]) -> str:
    return "; ".join(f"{address}: {format_names(jobs)}" for address, jobs in groups.items())


def format_names(jobs: Sequence[type[Job]]) -> str:
    more = len(jobs) - NAMES_SHOWN
    some = ", ".join(sorted(job.name for job in jobs)[:NAMES_SHOWN])
    return f"{some} and {more} more" if more > 0 else some


LOCAL_HOSTS = ("localhost", "::1")


def normalize_url(url: str) -> str:
    """Returns the URL in one form, with port, database or folder. Equal places have equal URLs."""
    try:
        if url.startswith("embedded:"):
            return normalize_embedded_url(url)
        parts = urlsplit(url)
        if parts.scheme not in ("redis", "rediss"):
            return url
        login, at, _ = parts.netloc.rpartition("@")
        host = parts.hostname or "localhost"
        host = "127.0.0.1" if host in LOCAL_HOSTS else f"[{host}]" if ":" in host else host
        path = parts.path.strip("/") or "0"
        netloc = f"{login}{at}{host}:{parts.port or 6379}"
        return parts._replace(netloc=netloc, path=f"/{path}").geturl()
    except ValueError:
        return url


def normalize_embedded_url(url: str) -> str:
    from ..embedded.join import (  # it loads threading, which would slow each fork down
        SCHEME,
        folder_of,
    )

    return f"{SCHEME}{folder_of(url)}"
