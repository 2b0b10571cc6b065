"""``buoy web`` as a real process."""

import os
import re
import signal
import socket
import threading
from contextlib import suppress
from functools import partial

import httpx
import pytest

from tests.support.processes import Site, WorkerProcess, wait_until

get = partial(httpx.get, timeout=60)
PLACE = re.compile(r"the dashboard is at (http://\S+/)\n")


def served(site: Site, *options: str) -> tuple[WorkerProcess, str]:
    """Start one on a free port; returns it and its address, once it serves."""
    log = site.folder / f"web-{len(site.workers)}.log"
    with log.open("wb") as output:
        process = site.start(["web", "--port", "0", *options], output)
    site.workers.append(WorkerProcess(process, log))
    started = site.workers[-1]
    [place] = wait_until(lambda: PLACE.findall(started.log), what=site.logs)
    return started, place


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_it_ends_in_order_when_it_is_told_to(site: Site, number: signal.Signals) -> None:
    process, place = served(site)
    assert "No job was enqueued yet." in get(place).text

    process.signal(number)

    assert process.wait() == 0
    assert process.log == f"the dashboard is at {place}\n"


def test_it_ends_although_redis_is_silent(own_site: Site) -> None:
    process, place = served(own_site)
    redis = own_site.server.pid or 0
    os.kill(redis, signal.SIGSTOP)

    def ask() -> None:
        with suppress(httpx.HTTPError):
            get(place)

    asking = threading.Thread(target=ask)
    try:
        asking.start()
        assert get(f"{place}static/buoy.css").status_code == 200
        process.signal(signal.SIGTERM)
        assert process.wait() == 0
    finally:
        os.kill(redis, signal.SIGCONT)
        asking.join()


def test_it_outlives_redis_and_may_start_before_it(own_site: Site) -> None:
    own_site.server.kill()
    process, place = served(own_site)
    page = get(place)
    assert (page.status_code, "Redis does not answer" in page.text) == (503, True)

    own_site.server.start()

    assert get(place).status_code == 200
    process.stop()
    assert "Traceback" not in process.log


def test_a_port_that_is_taken_is_an_error(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = site.run("web", "--port", str(port))

    assert code == 1
    assert f"--port: expected a free port of 127.0.0.1, got {port}: Address already in use" in said
    assert "Traceback" not in said


def test_a_host_that_is_not_there_is_an_error(site: Site) -> None:
    code, said = site.run("web", "--host", "192.0.2.1", "--login", "ann:secret")

    assert code == 1
    assert "--host: expected a name or an address of this machine, got 192.0.2.1" in said


@pytest.mark.parametrize("host", ["0.0.0.0", "shop.example"])
def test_other_machines_need_a_login(site: Site, host: str) -> None:
    code, said = site.run("web", "--host", host)

    assert code == 1
    assert f"--host {host}: expected --login NAME:PASSWORD (or BUOY_WEB_LOGIN)" in said


def test_a_login_is_asked_for(site: Site) -> None:
    site.environ["BUOY_WEB_LOGIN"] = "ann:sécret:1"
    _, place = served(site)

    assert get(place).status_code == 401
    asked = get(place).headers["www-authenticate"]
    assert asked == 'Basic realm="buoy", charset="UTF-8"'
    assert get(place, auth=("ann", "wrong")).status_code == 401
    assert get(place, auth=("ann", "sécret:1")).status_code == 200


def test_the_page_of_another_site_whose_name_leads_here_is_refused(site: Site) -> None:
    _, place = served(site)
    port = place.rstrip("/").rpartition(":")[2]

    for host in ("evil.example", f"evil.example:{port}", "[", "", "127.0.0.1.evil.example"):
        assert get(place, headers={"host": host}).status_code in (400, 403)
    for host in ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"):
        assert get(place, headers={"host": host}).status_code == 200


def test_several_apps_are_served_by_their_names(site: Site) -> None:
    url = site.server.url
    site.environ["BUOY_WEB_URLS"] = f"shop={url}#shop billing={url}#billing"
    _, place = served(site)

    apps = get(f"{place}api/").json()["apps"]

    assert [(app["name"], app["problem"]) for app in apps] == [("shop", ""), ("billing", "")]
    assert get(f"{place}billing/api/").json()["queues"] == []
