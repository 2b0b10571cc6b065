import re
from pathlib import Path
from typing import Any

import pytest

from buoy import App, ConfigurationError, Job
from buoy.errors import UnknownJob
from buoy.jobs.registry import find_class, registry
from buoy.loading.served_app import WantedApp, check_app, normalize_url, select_app

HERE, THERE = "redis://127.0.0.1:6379/0", "redis://there:6379/0"
Work = dict[str, Any]
WORK: Work = {"perform": lambda self: None}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the classes of the test are loaded, and only it says where Redis is."""
    registry.clear()
    monkeypatch.delenv("BUOY_URL", raising=False)
    monkeypatch.setattr(Job, "app", App())


def declare(name: str, **body: Any) -> type[Job]:
    return type(name, (Job,), WORK | {"name": name} | body)


def refusal(wanted: WantedApp = WantedApp()) -> str:  # noqa: B008 - it is a value
    with pytest.raises(ConfigurationError) as caught:
        select_app(wanted)
    return str(caught.value)


class TestServe:
    def test_classes_without_an_app_of_their_own_are_of_the_common_one(self) -> None:
        declare("Charge")

        assert select_app(WantedApp()).url == HERE

    def test_the_one_app_of_all_classes_is_served(self) -> None:
        declare("Charge", app=App(THERE, namespace="shop", lease=5))

        settings = select_app(WantedApp())

        assert (settings.url, settings.namespace, settings.lease) == (THERE, "shop", 5)

    def test_two_apps_with_one_address_are_one(self, caplog: pytest.LogCaptureFixture) -> None:
        declare("Charge", app=App("redis://localhost"))
        declare("Mail")

        assert select_app(WantedApp()).url == "redis://localhost"
        assert caplog.messages == []

    def test_of_several_apps_the_common_one_is_served(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        declare("Charge", app=App("redis://:secret@there:6379/0"))
        declare("Mail")

        assert select_app(WantedApp()).url == HERE
        assert caplog.messages == [
            "not served: Charge: their app is redis://:***@there:6379/0 (namespace buoy), "
            f"this worker serves {HERE} (namespace buoy)"
        ]

    def test_a_job_of_a_class_that_is_not_served_fails(self) -> None:
        declare("Charge", app=App(THERE))
        declare("Mail")
        select_app(WantedApp())

        assert find_class("Mail").name == "Mail"
        message = (
            f"job class 'Charge' is not served here: its app is {THERE} (namespace buoy), "
            f"and this worker serves {HERE} (namespace buoy)"
        )
        with pytest.raises(UnknownJob, match=f"^{re.escape(message)}$"):
            find_class("Charge")

    def test_the_command_line_chooses_among_several(self) -> None:
        declare("Charge", app=App(THERE))
        declare("Mail")

        assert select_app(WantedApp(url="redis://there")).url == THERE

    def test_no_class_of_the_wanted_app_is_an_error(self) -> None:
        declare("Charge", app=App(THERE))

        assert refusal(WantedApp("redis://:secret@elsewhere:6379/0", "shop")) == (
            "--url redis://:***@elsewhere:6379/0 --namespace shop: expected the app of the job "
            f"classes, which have one of their own: {THERE} (namespace buoy): Charge; leave the "
            "option out, or let the app read BUOY_URL and BUOY_NAMESPACE"
        )

    def test_several_apps_without_a_choice_are_an_error(self) -> None:
        for number in range(7):
            declare(f"Job{number}", app=App(THERE))
        declare("Mail", app=App(THERE, namespace="mail"))

        assert refusal() == (
            "-a: expected the job classes of one app, got those of several: "
            f"{THERE} (namespace buoy): Job0, Job1, Job2, Job3, Job4 and 2 more; "
            f"{THERE} (namespace mail): Mail; choose one by --url and --namespace"
        )

    def test_no_class_at_all_is_an_error(self) -> None:
        assert refusal() == (
            "-a: expected modules that declare or import job classes, got none of these"
        )

    def test_a_redis_that_the_environment_names_in_vain_is_told(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BUOY_URL", "redis://:secret@staging")
        declare("Charge", app=App(THERE))

        assert select_app(WantedApp()).url == THERE
        assert caplog.messages == [
            f"BUOY_URL=redis://:***@staging is not used: the app names a Redis of its own, {THERE}"
        ]


def test_a_class_of_another_app_is_refused_to_a_command() -> None:
    job = declare("Charge", app=App(THERE))

    check_app(job, WantedApp())
    check_app(job, WantedApp(THERE))
    with pytest.raises(ConfigurationError, match=r"^--namespace shop: expected the app of the job"):
        check_app(job, WantedApp(namespace="shop"))


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("redis://localhost", HERE),
        ("redis://", HERE),
        ("redis://[::1]/", HERE),
        ("redis://LOCALHOST:6379/0", HERE),
        ("redis://u:p@there/3", "redis://u:p@there:6379/3"),
        ("redis://[fe80::1]:1/0?socket_timeout=3", "redis://[fe80::1]:1/0?socket_timeout=3"),
        ("embedded://./data", f"embedded://{Path.cwd()}/data"),
        (f"embedded://{Path.cwd()}/data/", f"embedded://{Path.cwd()}/data"),
        ("embedded://", "embedded://"),
        ("redis://host:port/0", "redis://host:port/0"),
    ],
)
def test_urls_of_one_server_are_one(url: str, same: str) -> None:
    assert normalize_url(url) == same
