"""What make calls."""

import os
import sys

import pytest

import dev


def test_the_lowest_versions_are_those_that_packages_name() -> None:
    lines = [line.partition(";")[0] for line in dev.lowest().splitlines() if "==" in line]
    pins = dict(line.split("==") for line in lines)
    assert len(pins) == len(lines)

    named = dev.FLOOR.findall("\n".join(dev.requirements()))
    assert len(named) > 10
    assert [(name, floor) for name, floor in named if pins[name] != floor] == []


def test_what_packages_do_not_require_is_as_pinned() -> None:
    same = set(dev.lowest().splitlines()) & set(dev.pinned().splitlines())

    assert {line.split("==")[0] for line in same} >= {"pytest", "hypothesis", "aiosqlite"}


def test_the_lowest_versions_want_the_oldest_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))

    with pytest.raises(SystemExit) as ended:
        dev.test_oldest([])

    assert str(ended.value) == (
        "dev.py: test-oldest: expected Python 3.11, for which the lowest versions were made, got "
        "3.13. Name one, for example: make test-oldest PYTHON=/usr/bin/python3"
    )


def test_only_root_installs_packages_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert not dev.debian_brings("python3.11-venv")


def test_without_a_way_to_make_environments_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dev, "succeeds", lambda *_: False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SystemExit) as ended:
        dev.Environment(".venv-none", dev.pinned).make_venv()

    said = str(ended.value)
    assert said.startswith("dev.py: cannot make a virtual environment: this Python (")
    assert said.endswith(f"apt-get install python3.{sys.version_info.minor}-venv")


def test_package_selects_its_tests_its_types_and_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKAGE", "retry")

    assert dev.of_package() == [
        "--package=retry",
        "tests/retry",
        "tests/docs",
        "tests/packages/test_typing.py",
    ]


def test_without_package_all_tests_are_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACKAGE", raising=False)

    assert dev.of_package() == []


def test_a_package_that_is_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKAGE", "wings")

    with pytest.raises(SystemExit) as ended:
        dev.of_package()

    assert str(ended.value) == (
        "dev.py: expected PACKAGE to be one of aftercommit, batch, core, django, history, limits, "
        "loner, mailer, metrics, otel, retry, scheduler, sealed, sentry, status, steps, web, "
        "got 'wings'"
    )
