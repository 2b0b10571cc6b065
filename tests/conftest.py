import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.exits import guarded_exit
from tests.support.old_click import use_streams_apart

# How long an example takes, or to make it, says more of the machine than of the code.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("untimed", UNTIMED)
settings.register_profile("fast", UNTIMED, max_examples=10)


TESTS = Path(__file__).parent

SLOW = (
    "benchmarks/*",
    "examples/*",
    "packages/*",
    "system/*",
    "*/test_*lifecycle.py",
    "*/test_readme.py",
    "core/test_cluster.py",
    "django/test_project.py",
    "core/test_leases.py",
    "core/test_no_unix.py",
    "core/test_scripts_many.py",
    "core/test_scripts_whole.py",
    "core/test_support.py",
    "docs/test_django.py",
    "docs/test_examples.py",
    "scheduler/test_checkpoints.py",
    "scheduler/test_topologies.py",
    "scheduler/test_fuzz.py",
    "status/test_truth.py",
    "web/browser/*",
)
"""Patterns of paths that `make fast` leaves out: these tests start processes and servers, handle
thousands of jobs, or try many sequences of steps."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--package", default="", help="of docs and types, only those of this package")


@pytest.fixture(scope="session")
def buoy_allowed_urls() -> Sequence[str]:
    """All: these tests have proxies, clusters and servers of their own."""
    return ("",)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read the slow files when nobody wants them."""
    return True if config.option.markexpr == "not slow" and is_slow(collection_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Thousands of tests are made and kept: looking for garbage among them, time after time, would
    take as long as making them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if is_slow(item.path):
            item.add_marker("slow")
    package = config.option.package
    if package:
        others = {item for item in items if is_page_of_others(item, package)}
        config.hook.pytest_deselected(items=list(others))
        items[:] = [item for item in items if item not in others]


@cache
def is_slow(path: Path, patterns: Sequence[str] = SLOW) -> bool:
    return path.is_relative_to(TESTS) and any(
        fnmatch(path.relative_to(TESTS).as_posix(), pattern) for pattern in patterns
    )


def is_page_of_others(item: pytest.Item, package: str) -> bool:
    """Whether it is a test of the documentation, and not of that of this package."""
    return "docs" in item.path.parts and f"packages/{package}/" not in item.name


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("fast" if config.option.markexpr == "not slow" else "untimed")
    # A shell starts background processes with Ctrl-C ignored, and nohup ignores that the terminal
    # goes. The processes that tests start, and send these signals, would inherit that.
    usual = {signal.SIGINT: signal.default_int_handler}
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual.get(number, signal.SIG_DFL))
    use_streams_apart()


@pytest.fixture(autouse=True)
def no_silent_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that ends the process of the tests is seen."""
    monkeypatch.setattr(os, "_exit", guarded_exit(os._exit))


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Commands that a test runs in this process leave their options in its environment, for the
    processes that they start, and folders of apps where Python looks for modules: other tests, and
    their processes, must not find them there."""
    before, path = dict(os.environ), list(sys.path)
    yield
    sys.path[:] = path
    if dict(os.environ) != before:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@pytest.fixture(autouse=True)
def own_classes(buoy_registry: None) -> None:
    """The job classes that a test declares are known in that test alone: other tests expect that no
    class of such a name exists."""
