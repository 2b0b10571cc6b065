"""What buoy.plugins does for plugins, beside what it passes on."""

import subprocess
import sys

import pytest

from buoy import App, ConfigurationError, Job, Plugin
from buoy.jobs.run import load_run
from buoy.plugins import NotJson, arguments_of, build_job, describe_error, job_classes, plugins_of
from buoy.plugins.redis import (
    claim_holder,
    delayed_jobs,
    find_job,
    if_running,
    keep_plugin_data,
    queue_names,
)
from buoy.testing import FakeWorker, drain


class Fast(Plugin):
    pass


class Faster(Fast):
    pass


class Pack(Job):
    queue = "packing"
    plugins = [Faster()]

    def perform(self, number: int, *, note: str = "none") -> None:
        running = self.app.run_steps(if_running(self, [["SET", note_key(self), note]]))
        assert running


class Keeping(Job):
    queue = "keeping"

    def perform(self, word: str) -> None: ...


def note_key(job: Job) -> str:
    return job.app.key(job.queue, "notes", job.id)


class TestBuildJob:
    def test_a_job_of_a_class_has_options_and_a_claim(self, buoy_app: App) -> None:
        first = build_job(Pack, [1], queue="express", newer=("tick", 7), claim="entry")
        second = build_job(Pack, [2], queue="express", claim="entry")

        handles = buoy_app.submit_many([first, second])

        assert [handle.state for handle in handles] == ["queued", "exists"]
        assert (handles[0].queue, handles[1].holder) == ("express", first.id)

    def test_a_class_that_is_not_loaded_is_given_by_name_and_queue(self, buoy_app: App) -> None:
        assert buoy_app.submit(build_job("other.Job", [1], queue="far")).state == "queued"
        [view] = buoy_app.monitor.peek("far")
        assert (view.name, view.args) == ("other.Job", [1])
        with pytest.raises(ConfigurationError, match="a queue for a class by its name"):
            build_job("other.Job", [1])


def test_arguments_have_names_and_defaults(buoy_app: App) -> None:
    assert arguments_of(Pack.using().build(3)) == {"number": 3, "note": "none"}


def test_plugins_of_a_class_are_found_by_their_type_or_a_base_of_it() -> None:
    assert plugins_of(Pack, Fast) == plugins_of(Pack, Faster) == list(Pack.plugins)


def test_job_classes_are_found_by_name() -> None:
    assert job_classes[Pack.name] is Pack
    with pytest.raises(TypeError):
        job_classes["x"] = Pack  # type: ignore[index]


def test_an_error_is_described_even_if_it_cannot_be_shown() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert describe_error(KeyError("x")) == ("KeyError", "'x'")
    assert describe_error(Mute())[1] == "(cannot be shown: RuntimeError)"


def test_declaring_loads_neither_the_redis_client_nor_what_commands_need() -> None:
    heavy = {"redis", "click", "logging", "hashlib", "threading", "asyncio"}
    program = "import sys, buoy.plugins, buoy.plugins.redis, buoy.plugins.text; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) & heavy == set()


class TestRedis:
    def test_a_run_writes_only_while_it_holds_its_job(self, buoy_app: App) -> None:
        handle = Pack.enqueue(1, note="here")
        lost = build_job(Pack, [1])
        assert drain(buoy_app) == {"done": 1}
        assert buoy_app.command("GET", buoy_app.key("packing", "notes", handle.id)) == b"here"
        assert buoy_app.run_steps(if_running(lost, [["SET", note_key(lost), "x"]])) is False
        assert buoy_app.command("GET", note_key(lost)) is None

    def test_a_run_keeps_its_plugin_data_only_while_it_holds_its_job(self, buoy_app: App) -> None:
        handle = Keeping.enqueue("first")
        first, second = FakeWorker(buoy_app, "keeping", "a"), FakeWorker(buoy_app, "keeping", "b")
        run = load_run(first.take()).job()
        run.plugin_data["fast"] = {"at": "first"}

        assert buoy_app.run_steps(keep_plugin_data(run)) is True
        first.lose()
        newer = load_run(second.take()).job()
        assert newer.plugin_data == {"fast": {"at": "first"}}
        newer.plugin_data["fast"] = {"at": "second"}
        assert buoy_app.run_steps(keep_plugin_data(newer)) is True
        assert buoy_app.run_steps(keep_plugin_data(run)) is False

        view = buoy_app.find(handle.id)
        assert view is not None
        assert (view.args, view.plugin_data) == (["first"], {"fast": {"at": "second"}})

    def test_what_json_cannot_hold_is_not_kept(self, buoy_app: App) -> None:
        job = Keeping.using().build("x")
        job.plugin_data["fast"] = {"at": (1,)}

        with pytest.raises(NotJson) as error:
            buoy_app.run_steps(keep_plugin_data(job))

        assert str(error.value) == (
            f'{Keeping.name}: job.plugin_data, ["fast"]["at"]: expected str, int, float, bool, '
            "None, list or dict, got tuple"
        )

    def test_a_job_is_found_with_keys_of_the_plugin(self, buoy_app: App) -> None:
        handle = Pack.using(delay=60).enqueue(1)
        key, none = (buoy_app.key("packing", "notes", name) for name in ("a", "b"))
        buoy_app.command("SET", key, "here")

        view, values = buoy_app.run_steps(find_job(buoy_app, "packing", handle.id, [key, none]))

        assert view is not None
        assert (view.id, view.state, values) == (handle.id, "delayed", ["here", ""])
        assert buoy_app.run_steps(find_job(buoy_app, "packing", "x", [key])) == (None, ["here"])
        assert buoy_app.run_steps(find_job(buoy_app, "packing", "\udc80", [key])) == (None, [""])

    def test_delayed_jobs_are_listed_in_pages(self, buoy_app: App) -> None:
        Pack.using(delay=60).enqueue_many([(number,) for number in range(1200)])
        found = [view.id for view in delayed_jobs(buoy_app, "packing")]
        assert len(found) == len(set(found)) == 1200
        assert buoy_app.run_steps(queue_names(buoy_app)) == ["packing"]

    def test_the_holder_of_a_claim_comes_with_replies_to_other_commands(
        self, buoy_app: App
    ) -> None:
        job = build_job(Pack, [1], claim="entry")
        buoy_app.submit(job)
        key = buoy_app.key("packing", "notes", "a")
        ask = claim_holder(buoy_app, "packing", "entry", ["GET", key])
        assert buoy_app.run_steps(ask) == [job.id, None]
        assert buoy_app.run_steps(claim_holder(buoy_app, "packing", "other")) == [None]
