"""What jobs hold, and what outsiders send, in its worst form: every page and every action holds."""

import json
from urllib.parse import quote

import pytest

from buoy import App
from buoy.testing import drain
from buoy_web.address import segment, segment_text

from .conftest import Browser, Site, words
from .scenes import EVIL, HIDDEN, Hostile, fill_hostile

IDS = ["a/b", "%2f", "..", ".", "a b", "a?b#c", "<b>'\"", "\u202eid", "a//b", "x;y", "a\\b", "~YQ"]
IDS += ["/lead", "trail/", "1/cancel", "größe", "~", "a&amp;b=c+d"]
QUEUES = ["a/b", "..", "%2f", "<b>'\"", "größe", "\u202eq", "~YQ", "mail/pause"]


@pytest.fixture
def hostile(buoy_app: App) -> App:
    """An app with a hostile job in each state."""
    fill_hostile(buoy_app)
    return buoy_app


PAGES = ["/", "/jobs", "/failed", "/workers", "/classes", "/doctor", "/audit", "/queues/evil"]
PAGES += ["/delayed", "/unique", "/schedule"]
PAGES += [f"/queues/evil?state={state}" for state in ("queued", "delayed", "running", "failed")]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_hostile_jobs_as_text(site: Site, hostile: App, path: str) -> None:
    response = site.get(path)

    assert response.status_code == 200
    assert not [each for each in HIDDEN if each in response.text]
    assert site.get(f"/api{path}").status_code == 200


@pytest.mark.parametrize("state", ["queued", "delayed", "running", "failed"])
def test_the_page_of_a_hostile_job_shows_all_of_it(site: Site, hostile: App, state: str) -> None:
    [job, *_] = site.get(f"/api/queues/evil?state={state}").json()["jobs"]

    response = site.get(f"/jobs/{job['id']}")

    assert response.status_code == 200
    assert not [each for each in HIDDEN if each in response.text]
    assert Hostile.name in words(response.text)


@pytest.mark.parametrize("id", IDS)
def test_a_job_is_found_and_cancelled_whatever_its_id(site: Site, buoy_app: App, id: str) -> None:
    Hostile.using(id=id, delay=60).enqueue(1)
    link = f'href="/jobs/{segment(id)}"'
    page = f"/jobs/{segment(id)}"

    assert link in site.get("/queues/evil?state=delayed").text
    assert site.get(f"/api{page}").json()["job"]["id"] == id
    assert "is due now" in site.post(f"{page}/run-now", page).text
    response = site.post(f"{page}/cancel", page)

    assert "is cancelled; it was queued." in response.text
    assert "Timeline Ended" in words(response.text)
    assert buoy_app.find(id) is None


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_is_shown_and_paused_whatever_its_name(
    site: Site, buoy_app: App, queue: str
) -> None:
    Hostile.using(queue=queue).enqueue(1)
    page = f"/queues/{segment(queue)}"

    assert f'href="{page}"' in site.get("/").text
    response = site.post(f"{page}/pause", page)

    assert response.status_code == 200
    assert buoy_app.monitor.queues([queue])[0].paused


@pytest.mark.parametrize("text", sorted({*IDS, *QUEUES, "\udcff", EVIL}))
def test_a_part_of_a_path_is_read_as_it_was_written(text: str) -> None:
    part = segment(text)

    assert segment_text(part if part.startswith("~") else text) == text
    assert not set(part) & set("/\\?#<>\"'; ")


def test_a_path_typed_by_hand_finds_a_job_with_a_slash(site: Site) -> None:
    Hostile.using(id="2026/11").enqueue(1)

    assert site.get("/jobs/2026/11").status_code == 200
    assert site.get("/jobs/2026%2F11").status_code == 200


def test_a_failed_job_is_retried_whatever_its_id(site: Site, buoy_app: App) -> None:
    for id in IDS:
        Hostile.using(id=id).enqueue(1)
    drain(buoy_app, "evil")

    response = site.post("/failed/retry", "/failed", id=IDS)

    assert f"{len(IDS)} jobs are queued again." in response.text


def test_large_arguments_are_cut_in_lists(site: Site) -> None:
    job = Hostile.enqueue("x" * 1_000_000)

    for path in ("/jobs", "/queues/evil"):
        response = site.get(path)
        assert len(response.text) < 20_000
        assert "… (1000002 characters)" in response.text
    assert len(site.get(f"/jobs/{job.id}").text) < 150_000
    assert len(site.get(f"/api/jobs/{job.id}").text) > 1_000_000


STRANGE = {
    "deep": '{"class":"Deep","id":"odd","args":' + "[" * 900 + "]" * 900 + "}",
    "no JSON": "<script>alert(1)</script>\x00\u202e",
    "failure": json.dumps(
        {"class": "F", "id": "odd", "args": [], "failure": {"error": {"<b>": []}, "get": 1}}
    ),
    "surrogates": r'{"class":"S","id":"odd","args":["\ud800"]}',
    "numbers": '{"class":"N","id":"odd","args":[1e308,-0.0,' + "9" * 4000 + "]}",
}


@pytest.mark.parametrize("payload", STRANGE.values(), ids=STRANGE)
def test_a_payload_that_another_program_has_written_is_shown(
    site: Site, buoy_app: App, payload: str
) -> None:
    Hostile.enqueue(1)
    buoy_app.command("HSET", buoy_app.key("evil", "jobs"), "odd", payload)
    buoy_app.command("ZADD", buoy_app.key("evil", "failed"), 1_700_000_000_000, "odd")

    for path in ("/", "/jobs", "/failed", "/queues/evil?state=failed", "/jobs/odd"):
        for page in (path, f"/api{path}"):
            response = site.get(page)
            assert response.status_code == 200, (page, words(response.text))
            if page == path:
                assert not [each for each in HIDDEN if each in response.text]


class TestRequests:
    """Requests that no browser sends."""

    @pytest.mark.parametrize(
        "path",
        [
            *("/jobs/%ff", "/jobs/%00", "/queues/%ff", "/queues/%2e%2e", "/jobs/~%%%", "/jobs/~_w"),
            *("/failed/restore/x", "/workers/nobody/stop", "/api/nothing", "/static/../page.py"),
            *("/static/%2e%2e/page.py", "/api/jobs/nothing"),
        ],
    )
    def test_an_address_that_leads_nowhere_says_so(self, site: Site, path: str) -> None:
        response = site.get(path)

        assert response.status_code in (404, 405)
        assert not [each for each in HIDDEN if each in response.text]

    def test_an_odd_query_is_answered(self, site: Site, hostile: App) -> None:
        queries = [f"q={quote(EVIL)}", "q=%ff%fe", "q=" + '"' * 5000, "start=-1", "start=²"]
        queries += ["state=x", "span=x", "q=age>999999999w", "q=age<0s", "start=" + "9" * 5000]

        for query in [*queries, "q=%00", "q=args:", "q=a:b", "&&=&=", "q=" + "%22a " * 2000]:
            for path in ("/jobs", "/failed", "/queues/evil", "/"):
                response = site.get(f"{path}?{query}")
                assert response.status_code in (200, 400), (path, query)
                assert "<script>alert" not in response.text

    @pytest.mark.parametrize("host", ["[", "a:b:c", "", "evil.example/x", "a\u00ff"])
    def test_an_odd_host_is_answered(self, site: Site, host: str) -> None:
        assert site.client.get("/", headers={b"host": host.encode()}).status_code == 200

    @pytest.mark.parametrize("origin", ["http://[", "null", "", "shop.example", "http://"])
    def test_an_odd_origin_changes_nothing(self, site: Site, buoy_app: App, origin: str) -> None:
        Hostile.enqueue(1)
        cookie = site.get("/") and site.client.cookies["buoy_web"]
        page = site.get("/queues/evil").text
        token = page.split('name="token" value="')[1].split('"')[0]

        response = site.client.post(
            "/queues/evil/pause", data={"token": token}, headers={"origin": origin}
        )

        assert cookie
        assert response.status_code == 403
        assert not buoy_app.monitor.queues(["evil"])[0].paused

    @pytest.mark.parametrize(
        "header", ["Basic \u00e9", "Basic", "Basic " + "A" * 10_000, "basic ="]
    )
    def test_an_odd_login_is_refused(self, browser: Browser, header: str) -> None:
        from buoy_web.access import basic_login

        site = browser(basic_login("ann:secret"), ask="Basic")

        response = site.client.get("/", headers={b"authorization": header.encode("latin-1")})

        assert response.status_code == 401

    def test_a_form_that_is_too_large_is_refused(self, site: Site) -> None:
        Hostile.enqueue(1)

        response = site.post("/queues/evil/pause", "/queues/evil", junk="x" * 5_000_000)
        assert response.status_code == 413
        assert "expected a form of at most 4194304 bytes, got more" in response.text

        response = site.client.post("/queues/evil/pause", content=b"a=1&" * 30_000)
        assert response.status_code == 400
        assert "expected a form of at most 20000 fields, got more" in response.text


class TestMessages:
    """What an action has done is told by the next page; a cookie carries it there."""

    @pytest.fixture(autouse=True)
    def queue(self, buoy_app: App) -> None:
        Hostile.enqueue(1)

    def test_it_is_told_once(self, site: Site) -> None:
        assert "evil is paused" in site.post("/queues/evil/pause", "/queues/evil").text
        assert "evil is paused" not in site.text("/queues/evil")

    @pytest.mark.parametrize(
        "value",
        ["%5B%22x%22%2C%22queues/evil/pause%22%5D", "x", "0" * 64 + "%5B%5D", "[" * 3000, "%00"],
    )
    def test_a_cookie_of_somebody_else_says_nothing(self, site: Site, value: str) -> None:
        site.get("/")
        site.client.cookies.set("buoy_web_said", value, domain="shop.example")

        response = site.get("/")

        assert response.status_code == 200
        assert 'class="said"' not in response.text
        assert "Undo" not in response.text

    def test_a_message_of_another_browser_says_nothing(self, browser: Browser, site: Site) -> None:
        site.client.follow_redirects = False
        response = site.post("/queues/evil/pause", "/queues/evil")
        said = response.cookies["buoy_web_said"]
        other = browser()
        other.get("/")
        other.client.cookies.set("buoy_web_said", said, domain="shop.example")

        assert "evil is paused" not in other.text("/")

    def test_it_has_no_line_breaks_and_fits_a_cookie(self, site: Site, buoy_app: App) -> None:
        id = "\u202eü<" * 1500
        Hostile.using(id=id, delay=60).enqueue(1)
        site.client.follow_redirects = False

        page = f"/jobs/{segment(id)}"
        response = site.post(f"{page}/cancel", page)

        assert len(response.headers["set-cookie"]) < 4096
        assert "\n" not in response.headers["set-cookie"]

    @pytest.mark.parametrize("back", ["/\r\nx: y", "/\t/evil.example", "/%0d%0ax", "/ü"])
    def test_the_address_after_it_is_one_line_in_the_dashboard(self, site: Site, back: str) -> None:
        site.client.follow_redirects = False

        response = site.post("/queues/evil/pause", "/queues/evil", back=back)

        assert response.status_code == 303
        assert response.headers["location"].isascii()
        assert response.headers["location"].isprintable()
        assert response.headers["location"][:2] not in ("//", "/\t")
        assert "x" not in response.headers


@pytest.mark.parametrize("path", ["/", f"/queues/{segment('a;reboot')}"])
def test_a_command_to_copy_has_the_queue_as_one_word(site: Site, buoy_app: App, path: str) -> None:
    buoy_app.push("shop.Charge", [1], queue="a;reboot")

    assert "Start one: buoy worker -a MODULE -q 'a;reboot'" in site.text(path)
