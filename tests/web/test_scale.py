"""Pages of a large installation: few round trips, and no command that reads all of a large key."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import redis

from benchmarks.crowd import Size, fill
from buoy import App
from buoy.connection.cluster import ClusterClient
from buoy.embedded.server import Server
from buoy_scheduler import set_schedule
from buoy_web import Page, Person, Role
from buoy_web.page import Visit
from buoy_web.shared import Shared
from tests.support.cluster import Cluster

from .conftest import Browser, Site
from .jobs import Charge

SMALL = Size(queues=60, workers=70, failed=2500, delayed=3000, running=60, claims=1200)
MOST_TRIPS = 5
MOST_READ = 1100
"""Elements that one command may read."""
PAGES = ["/", "/?span=day", "/?span=month", "/?queues=all", "/jobs", "/jobs?q=4712"]
PAGES += ["/jobs?q=state:failed", "/jobs?q=delayed000000000000000000005", "/failed"]
PAGES += ["/failed?q=error:found", "/delayed", "/delayed?q=4712", "/workers", "/workers?start=50"]
PAGES += ["/classes", "/classes?span=hour", "/doctor", "/audit", "/schedule", "/unique", "/history"]
PAGES += ["/unique?queue=queue001", "/jobs/delayed000000000000000000005"]
PAGES += [f"/queues/queue000?state={s}" for s in ("queued", "delayed", "running", "failed")]


@pytest.fixture
def crowd(buoy_app: App, buoy_server: Server) -> Any:
    """Fills the Redis of the test; returns a client of it."""
    client = redis.Redis.from_url(buoy_server.url, decode_responses=True)
    fill(buoy_app, redis.Redis.from_url(buoy_server.url), SMALL)
    return client


Trips = Callable[[Callable[[], object]], int]


@pytest.fixture
def trips(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> Trips:
    """Tells how many round trips an act takes. On a cluster, all nodes are asked at once: that is
    one."""
    client = type(buoy_app.broker.client)
    real, count = client.calls, 0

    def counting(self: Any, commands: Any) -> list[Any]:
        nonlocal count
        count += 1
        return real(self, commands)

    monkeypatch.setattr(client, "calls", counting)

    def tell(act: Callable[[], object]) -> int:
        nonlocal count
        count = 0
        act()
        return count

    return tell


def test_each_page_takes_at_most_five_round_trips(site: Site, crowd: Any, trips: Trips) -> None:
    for number in range(40):
        set_schedule(f"entry {number}", Charge, every="5m", args=[number], queue=f"s{number}")
    taken = {}
    for path in PAGES:
        site.text(path)  # the server learns the scripts, the dashboard its secret
        taken[path] = trips(lambda: site.text(path))  # noqa: B023 - called here

    assert {path: count for path, count in taken.items() if count > MOST_TRIPS} == {}


def test_each_page_takes_at_most_five_rounds_on_a_cluster(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to several nodes at once is one round."""
    with Cluster() as cluster:
        app = App(cluster.url)
        client = redis.RedisCluster.from_url(cluster.servers[0].url)
        fill(app, client, SMALL)
        site = browser(app=app)
        real, rounds = ClusterClient.exchange, 0

        def counting(self: ClusterClient, requests: Any) -> Any:
            nonlocal rounds
            rounds += 1
            return real(self, requests)

        monkeypatch.setattr(ClusterClient, "exchange", counting)
        taken = {}
        for path in PAGES:
            site.text(path)  # the nodes learn the scripts
            site.text(path)
            rounds = 0
            site.text(path)
            taken[path] = rounds
        client.close()

    assert {path: count for path, count in taken.items() if not 0 < count <= MOST_TRIPS} == {}


def test_no_page_reads_all_of_a_large_key(site: Site, crowd: Any) -> None:
    for path in PAGES:
        sent = list(sent_by(crowd, lambda: site.text(path)))  # noqa: B023 - called here
        assert sent
        assert [words for words in sent if not is_bounded(words)] == [], path


def sent_by(client: Any, act: Callable[[], object]) -> Iterator[list[str]]:
    """Returns the commands that an act sends to Redis, with those that scripts send."""
    with client.monitor() as monitor:
        act()
        client.echo("that is all")
        while (words := monitor.next_command()["command"].split(" "))[:2] != ["ECHO", "that"]:
            yield words


def is_bounded(words: list[str]) -> bool:
    """Whether a command reads no more than a page, or a key that is as small as the number of
    queues, of workers, or of slots."""
    name, key, rest = words[0].upper(), words[1] if len(words) > 1 else "", words[2:]
    small = key.endswith(":tokens") or key.startswith("buoy:worker:") or key == "buoy:scheduler"
    match name:
        case "SMEMBERS":
            return key == "buoy:queues"
        case "HGETALL":
            return small
        case "LRANGE" | "ZRANGE" | "ZREVRANGE":
            first, last = int(rest[0]), int(rest[1])
            listed = key == "buoy:workers" or key.endswith(":history:classes")
            return listed or (first <= last and last - first < MOST_READ)
        case "ZRANGEBYSCORE" | "ZREVRANGEBYSCORE":
            return "LIMIT" in rest and int(rest[rest.index("LIMIT") + 2]) <= 2 * MOST_READ
        case "HSCAN" | "ZSCAN" | "SSCAN" | "XRANGE" | "XREVRANGE":
            return "COUNT" in rest and int(rest[rest.index("COUNT") + 1]) <= 2 * MOST_READ
        case "HMGET" | "MGET" | "ZMSCORE":
            return len(rest) <= MOST_READ
    return name not in ("KEYS", "HKEYS", "HVALS", "SCAN", "SORT", "SUNION", "SINTER", "SDIFF")


def test_the_rule_finds_commands_that_read_all() -> None:
    for text in (
        "HGETALL buoy:{a}:jobs",
        "ZRANGE buoy:{a}:failed 0 -1 WITHSCORES",
        "LRANGE buoy:{a}:queued 0 100000",
        "ZRANGEBYSCORE buoy:{a}:minutes -inf +inf",
        "KEYS *",
    ):
        assert not is_bounded(text.split(" ")), text


def test_the_doctor_shows_what_is_fine_last(site: Site, crowd: Any) -> None:
    found = site.client.get("/api/doctor").json()["findings"]

    text = site.text("/doctor")

    assert len(found) > 50
    assert f"50 of {len(found)} findings are shown, what is wrong first." in text
    assert " fine " not in text.split("State Finding ")[1].split("findings are shown")[0]


def test_pages_of_failed_and_delayed_jobs_show_each_job_once(site: Site, crowd: Any) -> None:
    wanted = {(job.queue, job.id) for job in site_jobs(site, "/api/delayed")}

    assert len(wanted) == SMALL.delayed


def site_jobs(site: Site, path: str) -> Iterator[Any]:
    """Returns the jobs of a page and of all that follow it."""
    after = ""
    while True:
        page = site.client.get(path, params={"after": after}).json()
        for job in page["jobs"]:
            yield type("Shown", (), job)
        after = page["next"]
        if not after:
            return
        assert json.loads(after)


class TestShared:
    """What many browsers cost."""

    @pytest.fixture(autouse=True)
    def as_in_use(self, always_fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("buoy_web.shared.SECONDS", 3600.0)

    @pytest.mark.parametrize("path", ["/", "/jobs", "/failed", "/workers", "/queues/payments"])
    def test_a_hundred_browsers_cost_redis_no_more_than_one(
        self, browser: Browser, buoy_app: App, trips: Trips, path: str
    ) -> None:
        Charge.enqueue(1)
        roles: tuple[Role, ...] = ("viewer", "operator", "admin")
        sites = [
            browser(lambda request: roles[int(request.headers["n"]) % 3]),
        ] * 100
        sites[0].get(path, n="0")
        sites[0].get("/audit", n="0")
        one = browser()
        one.get(path)
        alone = trips(lambda: browser().get(path))
        sites[0].get("/doctor", n="0")

        def all_at_once() -> None:
            with ThreadPoolExecutor(20) as pool:
                found = pool.map(lambda n: sites[n].get(path, n=str(n)).status_code, range(100))
                assert set(found) == {200}

        assert 0 < alone <= MOST_TRIPS + 2  # a new dashboard reads its secret, too
        assert trips(all_at_once) == 0

    def test_who_has_changed_something_sees_it_at_once(self, site: Site) -> None:
        Charge.enqueue(1)
        assert "paused" not in site.text("/queues/payments")

        assert "Resume" in site.post("/queues/payments/pause", "/queues/payments").text
        assert "Resume" in site.text("/queues/payments")

    def test_another_process_is_asked_anew_by_who_has_changed_something(
        self, browser: Browser
    ) -> None:
        Charge.enqueue(1)
        one, other = browser(), browser()
        assert "Resume" not in other.text("/queues/payments")
        one.client.follow_redirects = False
        one.post("/queues/payments/pause", "/queues/payments")

        other.client.cookies = one.client.cookies
        assert "Resume" in other.text("/queues/payments")

    def test_values_that_are_shared_do_not_depend_on_who_asks(self, browser: Browser) -> None:
        Charge.enqueue(1)
        site = browser(lambda request: request.headers["role"])

        assert "Pause" in site.get("/queues/payments", role="operator").text
        assert "Pause" not in site.get("/queues/payments", role="viewer").text

    @pytest.mark.parametrize("personal", [False, True])
    def test_only_personal_pages_know_who_asks(self, buoy_app: App, personal: bool) -> None:
        page = Page("me", lambda v: {"who": v.person.name}, "x/x.html", personal=personal)
        shared = Shared()

        found = [
            shared.values(page, Visit(buoy_app, Person("admin", name)))["who"]
            for name in ("ann", "bob", "ann")
        ]

        assert found == (["ann", "bob", "ann"] if personal else ["", "", ""])

    def test_an_error_goes_to_all_who_wait_and_is_not_kept(self, buoy_app: App) -> None:
        shared, begun, calls = Shared(), Barrier(2, timeout=120), []

        def show(visit: Visit) -> dict[str, Any]:
            calls.append(visit)
            if len(calls) > 1:
                return {"n": len(calls)}
            begun.wait()
            wait_for_second(shared)
            raise ValueError("no")

        page, visit = Page("p", show, "x/x.html"), Visit(buoy_app, Person("viewer"))

        def ask() -> Any:
            try:
                return shared.values(page, visit)
            except ValueError as error:
                return str(error)

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(ask)
            begun.wait()
            second = pool.submit(ask)
            assert (first.result(120), second.result(120)) == ("no", "no")
        assert ask() == {"n": 2}

    def test_values_are_read_again_when_they_are_old(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shared, calls = Shared(), iter(range(9))
        page = Page("p", lambda visit: {"n": next(calls)}, "x/x.html")
        visit = Visit(buoy_app, Person("viewer"))
        assert [shared.values(page, visit)["n"] for _ in range(3)] == [0, 0, 0]

        monkeypatch.setattr("buoy_web.shared.monotonic", lambda: time.monotonic() + 3601)

        assert shared.values(page, visit)["n"] == 1


def wait_for_second(shared: Shared) -> None:
    """Wait until somebody waits for the reading that runs now."""
    [reading] = shared.readings.values()
    deadline = time.monotonic() + 120
    while not reading.values._condition._waiters:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        time.sleep(0.001)
