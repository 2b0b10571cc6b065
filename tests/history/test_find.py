"""Finding jobs that have ended, from Python and by the command."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from buoy import App, ConfigurationError, Job
from buoy.cli import main
from buoy.testing import drain
from buoy_history import EndedJob, History, history
from tests.support.processes import wait_until

from .shop import Charge

Run = Callable[..., Result]


class Mail(Job):
    plugins = [History()]

    def perform(self, to: str, *, subject: str = "") -> None:
        if "@" not in to:
            raise LookupError(f"no address: {to}")


@pytest.fixture
def ended(buoy_app: App) -> None:
    Charge.enqueue_many([(1,), (-2,), (3,)])
    Charge.using(tags=["vip"]).enqueue(4)
    Mail.enqueue("ann@example.com", subject="Hi")
    Mail.using(queue="bulk").enqueue("bob")
    for queue in ("purchasing", "default", "bulk"):
        drain(buoy_app, queue)
        await_next_millisecond(buoy_app)


def await_next_millisecond(app: App) -> None:
    """Ends of several classes and queues have an order only if they are milliseconds apart."""
    before = milliseconds(app)
    wait_until(lambda: milliseconds(app) > before, what="a millisecond by the clock of Redis")


def milliseconds(app: App) -> int:
    seconds, micros = map(int, app.command("TIME"))
    return seconds * 1000 + micros // 1000


def arguments(found: object) -> list[object]:
    assert isinstance(found, list)
    return [end.args[0] for end in found]


@pytest.mark.usefixtures("ended")
class TestFind:
    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({}, ["bob", "ann@example.com", 4, 3, -2, 1]),
            ({"name": Mail}, ["bob", "ann@example.com"]),
            ({"name": Mail.name}, ["bob", "ann@example.com"]),
            ({"name": "no.Class"}, []),
            ({"queue": "bulk"}, ["bob"]),
            ({"queue": "none"}, []),
            ({"state": "failed"}, ["bob", -2]),
            ({"state": "rejected"}, []),
            ({"tag": "money"}, [4, 3, -2, 1]),
            ({"tag": "vip"}, [4]),
            ({"tag": "mon"}, []),
            ({"error": "lookuperror"}, ["bob"]),
            ({"error": "NO PURCHASE"}, [-2]),
            ({"args": "ANN@"}, ["ann@example.com"]),
            ({"args": '"subject": "Hi"'}, ["ann@example.com"]),
            ({"args": "[4"}, [4]),
            ({"name": Charge, "state": "done", "tag": "vip"}, [4]),
            ({"since": 0, "until": 10**10}, ["bob", "ann@example.com", 4, 3, -2, 1]),
            ({"since": 10**10}, []),
            ({"until": 0}, []),
            ({"since": datetime.now(UTC) + timedelta(days=1)}, []),
            ({"until": datetime.now(UTC) + timedelta(days=1), "queue": "bulk"}, ["bob"]),
        ],
    )
    def test_all_that_is_given_must_match(
        self, wanted: dict[str, object], found: list[object]
    ) -> None:
        assert arguments(list(history().find(**wanted))) == found  # type: ignore[arg-type]

    def test_a_program_that_awaits_finds_what_one_that_blocks_finds(self) -> None:
        async def program() -> tuple[list[EndedJob], list[EndedJob]]:
            found = [each async for each in history().afind(state="failed")]
            ended = await history().aget(found[0].id)
            await Job.app.aclose()
            return found, ended

        found, ended = asyncio.run(program())
        assert arguments(found) == ["bob", -2]
        assert ended == found[:1] == history().get(found[0].id)

    def test_a_time_divides_what_ended_before_from_what_ended_later(self) -> None:
        newest, *older = history().find()

        assert next(history().find(since=newest.ended_at)) == newest
        assert newest not in [*history().find(until=newest.ended_at)]
        assert older[-1] in [*history().find(until=newest.ended_at)]

    @pytest.mark.parametrize(
        ("wanted", "message"),
        [
            ({"state": "lost"}, "find(state): expected one of done, failed, rejected, got 'lost'"),
            ({"name": 5}, "find(name): expected a text, got 5"),
            ({"tag": ["vip"]}, "find(tag): expected a text, got ['vip']"),
            ({"since": "2h"}, "find(since): expected epoch seconds or a datetime, got '2h'"),
            (
                {"until": float("nan")},
                "find(until): expected epoch seconds or a datetime, got nan",
            ),
        ],
    )
    def test_what_nothing_can_match_is_refused(
        self, wanted: dict[str, object], message: str
    ) -> None:
        with pytest.raises(ConfigurationError) as raised:
            history().find(**wanted)  # type: ignore[arg-type]

        assert str(raised.value) == message

    def test_times_of_any_size_are_times(self) -> None:
        everything = list(history().find())

        assert list(history().find(since=-(10**30), until=1e300)) == everything
        assert list(history().find(since=float("-inf"), until=float("inf"))) == everything
        assert list(history().find(since=float("inf"))) == []

    def test_one_job_is_found_by_its_id(self) -> None:
        *_, oldest = history().find()

        assert history().get(oldest.id) == [oldest]
        assert history().get("nope") == []
        assert history().get("zz" * 14) == []


def test_many_are_found_in_pages_in_their_order(buoy_app: App) -> None:
    Charge.enqueue_many([(n,) for n in range(1200)])
    drain(buoy_app)

    assert arguments(list(history().find())) == list(range(1199, -1, -1))


def test_ids_of_others_are_found(buoy_app: App) -> None:
    Charge.using(id="order-42").enqueue(42)
    drain(buoy_app)

    [end] = history().get("order-42")

    assert end.args == [42]


def test_what_others_have_written_is_no_error(buoy_app: App) -> None:
    Charge.enqueue(1)
    drain(buoy_app)
    stream = buoy_app.key("purchasing", "history", "of", Charge.name)
    buoy_app.command("XADD", stream, "*", "id", b"\xff\xfe", "args", "{", "waited", "soon")
    buoy_app.command("XADD", stream, "*", "args", '["no list", 7]', "tags", '{"a": 1}', "x", "y")
    buoy_app.command(
        "XADD", stream, "*", "seconds", "nan", "attempt", "1e999", "result", "[" * 9999
    )

    found = list(history().find())

    assert [end.args for end in found] == [None, None, None, [1]]
    assert [end.seconds for end in found[:1]] == [0.0]


@pytest.fixture
def trips(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is sent together to Redis."""
    trips: list[object] = []
    calls = buoy_app.broker.client.calls

    def counted(commands: object) -> object:
        trips.append(commands)
        return calls(commands)  # type: ignore[arg-type]

    monkeypatch.setattr(buoy_app.broker.client, "calls", counted)
    return trips


def test_the_round_trips_are_few(buoy_app: App, trips: list[object]) -> None:
    for number in range(12):
        Charge.using(queue=f"queue{number}").enqueue(number)
        Mail.using(queue=f"queue{number}").enqueue("ann@example.com")
    drain(buoy_app)
    trips.clear()

    assert len(list(history().find())) == 24
    assert len(trips) == 3


def test_many_are_counted_without_reading_them(
    buoy_app: App, run: "Run", trips: list[object]
) -> None:
    Charge.enqueue_many([(n,) for n in range(1200)])
    drain(buoy_app)
    trips.clear()

    result = run("list", "--count", "3", "--class", Charge.name)

    assert result.stderr == "3 of 1200: --count 0 shows all\n"
    assert len(trips) == 6


@pytest.fixture
def run(buoy_app: App) -> Run:
    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["history", *words])

    return run


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


@pytest.mark.usefixtures("ended")
class TestCommand:
    def test_the_newest_come_first(self, run: Run) -> None:
        lines = run().stdout.splitlines()

        assert lines[0].split() == [
            *("ended_at", "state", "class", "id", "queue", "args", "run_time", "waited"),
            *("attempt", "tags", "error", "message"),
        ]
        assert len(lines) == 7
        assert "no address: bob" in lines[1]

    def test_the_json_has_all_facts(self, run: Run) -> None:
        [row] = rows(run("list", "--tag", "vip", "--json"))

        assert {name: row[name] for name in ("class", "queue", "state", "args", "result")} == {
            "class": Charge.name,
            "queue": "purchasing",
            "state": "done",
            "args": [4],
            "result": {"charged": 4},
        }
        assert (row["error"], row["tags"]) == (None, ["money", "vip"])
        assert datetime.fromisoformat(str(row["ended_at"])).timestamp() == pytest.approx(
            time.time(), abs=60
        )

    @pytest.mark.parametrize(
        ("options", "count"),
        [
            (["--class", Mail.name], 2),
            (["--queue", "bulk"], 1),
            (["--state", "failed"], 2),
            (["--error", "address"], 1),
            (["--args", "hi"], 1),
            (["--since", "1h"], 6),
            (["--until", "1h"], 0),
            (["--count", "0"], 6),
            (["--count", "2"], 2),
        ],
    )
    def test_options_filter(self, run: Run, options: list[str], count: int) -> None:
        assert len(rows(run("list", "--json", *options))) == count

    def test_it_says_how_many_more_there_are(self, run: Run) -> None:
        result = run("list", "--count", "2")

        assert len(result.stdout.splitlines()) == 3
        assert result.stderr == "2 of 6: --count 0 shows all\n"

    def test_no_match_is_said(self, run: Run) -> None:
        assert run("list", "--tag", "none").stdout == "no job that has ended matches\n"
        assert run("list", "--queue", "none").stdout == (
            "no job that has ended matches: nothing was ever enqueued to none\n"
        )

    def test_one_job_is_shown(self, run: Run) -> None:
        [end] = history().find(error="bob")

        shown = run("show", end.id).stdout

        assert f"id           {end.id}\n" in shown
        assert "message      no address: bob\n" in shown
        assert rows(run("show", end.id, "--json"))[0]["error"] == "LookupError"

    def test_an_unknown_job_is_an_error(self, run: Run) -> None:
        result = run("show", "nope")

        assert result.exit_code == 1
        assert result.stderr == (
            "Error: nope: expected a job that has ended and is remembered, but there is none; see "
            "buoy jobs show\n"
        )


def test_the_command_on_jobs_tells_of_those_that_have_ended(buoy_app: App) -> None:
    handle = Charge.enqueue(7)
    drain(buoy_app)

    result = CliRunner().invoke(main, ["jobs", "show", handle.id])

    assert result.exit_code == 0, result.output
    assert "history" in result.output
    assert '"charged": 7' in result.output


def test_nothing_is_said_where_nothing_has_ended(run: Run) -> None:
    assert run().stdout == "nothing is remembered: no job with the plugin History has ended\n"


def test_an_end_is_a_value() -> None:
    end = EndedJob(id="1", name="Job", queue="mail", state="done", ended_at=1.0)

    assert end == EndedJob(id="1", name="Job", queue="mail", state="done", ended_at=1.0)
