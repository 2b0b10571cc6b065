"""Tags: declared on a class, added by a call, kept with the job."""

import asyncio
import json
from typing import Any

import pytest

from buoy import App, ConfigurationError, CorruptPayload, Handle, Job, Later, Plugin, hookimpl, job
from buoy.jobs.facts import facts
from buoy.model.payload import Payload
from buoy.plugins import build_job
from buoy.testing import drain


def tagged(given: Any) -> Any:
    """A job class with these tags."""
    body = {"tags": given, "perform": lambda self: None, "name": "tests.Tagged"}
    return type("Tagged", (Job,), body)


pytestmark = pytest.mark.usefixtures("buoy_registry")


class TestDeclaring:
    def test_a_class_inherits_tags_and_replaces_them(self) -> None:
        parent = tagged(["vip", "eu", "vip"])

        class Child(parent):  # type: ignore[misc, valid-type]
            name = "tests.Child"

        class Other(parent):  # type: ignore[misc, valid-type]
            name, tags = "tests.Other", ("us",)

        assert Job.tags == ()
        assert (parent.tags, Child.tags, Other.tags) == (("vip", "eu"), ("vip", "eu"), ("us",))

    def test_a_function_has_tags(self) -> None:
        @job(tags=["vip"])
        def send() -> None: ...

        assert send.tags == ("vip",)

    def test_tags_of_a_mixin_are_checked_too(self) -> None:
        class Mixin:
            tags = "vip"

        with pytest.raises(ConfigurationError, match="expected a list of texts, got 'vip'"):

            class Mixed(Mixin, Job):  # type: ignore[misc]
                def perform(self) -> None: ...

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("vip", r"tests\.Tagged\.tags: expected a list of texts, got 'vip'"),
            ({"vip"}, "expected a list of texts, got {'vip'}"),
            (None, "expected a list of texts, got None"),
            ([5], "each tag: expected a non-empty text of one line, got 5"),
            ([""], "each tag: expected a non-empty text of one line, got ''"),
            (["a\nb"], "each tag: expected a non-empty text of one line, got 'a"),
            (["\ud800"], "each tag: expected a non-empty text of one line"),
            (["x" * 101], "expected tags of at most 100 characters, got 'xxx"),
            ([str(n) for n in range(21)], "expected at most 20 tags, got 21"),
        ],
    )
    def test_other_tags_are_refused(self, given: Any, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            tagged(given)
        if not given:
            return
        with pytest.raises(ConfigurationError, match="using"):
            tagged(()).using(tags=given)

    def test_the_tags_of_class_and_call_together_are_limited(self) -> None:
        many = tagged([f"a{n}" for n in range(15)])
        message = r"tests\.Tagged: expected at most 20 tags, got 21"
        with pytest.raises(ConfigurationError, match=message):
            many.using(tags=[f"b{n}" for n in range(6)]).build()
        assert len(many.using(tags=[f"b{n}" for n in range(5)]).build().tags) == 20


class TestEnqueueing:
    def test_a_job_has_the_tags_of_its_class_and_of_its_call(self, buoy_app: App) -> None:
        kind = tagged(["vip"])

        plain, more = kind.enqueue(), kind.using(tags=["eu", "vip"]).enqueue()
        many = kind.enqueue_many([()])
        named = buoy_app.push("no.Such", queue="default", tags=["us"])

        found = {each.id: each for each in buoy_app.monitor.peek("default")}
        assert [found[each.id].tags for each in (plain, more, *many, named)] == [
            ("vip",),
            ("vip", "eu"),
            ("vip",),
            ("us",),
        ]
        assert json.loads(found[plain.id].raw)["tags"] == ["vip"]

    def test_an_asynchronous_call_keeps_tags_too(self, buoy_app: App) -> None:
        async def enqueue() -> Handle[None]:
            handle: Handle[None] = await tagged(["vip"]).using(tags=["eu"]).aenqueue()
            await buoy_app.aclose()
            return handle

        handle = asyncio.run(enqueue())
        view = buoy_app.find(handle.id)
        assert view is not None
        assert view.tags == ("vip", "eu")

    def test_a_job_without_tags_has_no_such_field(self, buoy_app: App) -> None:
        handle = tagged([]).enqueue()
        view = buoy_app.find(handle.id)
        assert view is not None
        assert view.tags == ()
        assert "tags" not in json.loads(view.raw)

    def test_a_run_and_its_hooks_read_the_tags(self, buoy_app: App) -> None:
        seen: list[Any] = []

        class Looks(Plugin):
            @hookimpl
            def before_enqueue(self, job: Job) -> None:
                seen.append(job.tags)

            @hookimpl
            def on_failure(self, job: Job) -> Later:
                seen.append(job.tags)
                return Later(60)

        class Looking(Job):
            tags, plugins = ["vip"], [Looks()]

            def perform(self) -> None:
                seen.append(self.tags)
                raise ValueError

        handle = Looking.using(tags=["eu"]).enqueue()
        assert drain(buoy_app) == {"delayed": 1}

        assert seen == [("vip", "eu")] * 3
        view = buoy_app.find(handle.id)
        assert view is not None
        assert view.tags == ("vip", "eu")

    def test_a_plugin_builds_jobs_with_tags(self) -> None:
        assert build_job(tagged(["vip"]), tags=["eu"]).tags == ("vip", "eu")
        assert build_job("no.Such", queue="mail", tags=["eu"]).tags == ("eu",)

    def test_a_run_may_use_the_name_for_something_else(self, buoy_app: App) -> None:
        class Own(Job):
            tags = ["vip"]

            def perform(self) -> None:
                vars(self)["tags"] = {"mine"}
                raise ValueError

        handle = Own.enqueue()
        assert drain(buoy_app) == {"failed": 1}
        view = buoy_app.find(handle.id)
        assert view is not None
        assert view.tags == ("vip",)


class TestPayload:
    def test_tags_come_back(self) -> None:
        text = Payload("c", [], {}, "a1", tags=("vip", "eu")).encoded()
        assert Payload.decoded(text).tags == ["vip", "eu"]

    @pytest.mark.parametrize("tags", ['"vip"', "5", "[5]", "[null]", "{}"])
    def test_other_tags_are_refused(self, tags: str) -> None:
        with pytest.raises(CorruptPayload, match="payload: expected 'tags' to be"):
            Payload.decoded(f'{{"class":"c","args":[],"id":"a1","tags":{tags}}}')


def test_a_plain_class_with_tags_needs_no_object_for_each_job(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buoy.app.build_job", None)
    tagged(["vip"]).enqueue()
    assert buoy_app.monitor.peek("default")[0].tags == ("vip",)


def test_facts_of_a_plain_run_set_no_attribute() -> None:
    made = tagged(["vip"]).using().build()
    assert "tags" not in vars(made)
    assert facts(made).payload.tags == ("vip",)
