"""The dashboard within other web programs: the examples of docs/dashboard.md."""

import asyncio
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import httpx
import pytest

from buoy import App, Job
from buoy.embedded.server import Server
from buoy_web import wsgi_dashboard
from tests.docs.blocks import Page

PAGE = Page("docs/dashboard.md")
ADDRESS = re.compile(r'(?:href|src|action|formaction|hx-get)="([^"]*)"')
PAGES = ("/", "/jobs", "/failed", "/workers", "/classes", "/doctor", "/audit", "/queues/shop")
SENT = {"sec-fetch-site": "same-origin"}


class Charge(Job):
    queue = "shop"

    def perform(self, order: int) -> None: ...


Ask = Callable[..., httpx.Response]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buoy_app: App) -> Any:
    """Returns a function that imports one file of the page."""
    monkeypatch.setenv("BUOY_URL", buoy_app.settings.url)
    Charge.using(id="a/b").enqueue(1)
    Charge.using(queue="b/c").enqueue(1)
    PAGE.write_files(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def load(framework: str, name: str) -> Any:
        pytest.importorskip(framework)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name).app

    return load


def asker_asgi(app: Any) -> Ask:
    """Returns what sends requests to an ASGI app, and keeps cookies."""
    cookies = httpx.Cookies()

    def ask(method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://shop.example", cookies=cookies
            ) as client:
                response = await client.request(method, path, **options)
                cookies.update(client.cookies)
                return response

        return asyncio.run(send())

    return ask


def asker_wsgi(app: Any) -> Ask:
    """Returns what sends requests to a WSGI app, and keeps cookies."""
    client = httpx.Client(transport=httpx.WSGITransport(app), base_url="http://shop.example")
    return client.request


def check_dashboard(ask: Ask, login: str, root: str = "/jobs") -> None:
    """Fail unless the dashboard is behind the login, under its prefix, and works there."""
    assert ask("GET", f"{root}/").status_code == 403
    assert ask("POST", login).status_code == 200
    for path in PAGES:
        page = ask("GET", root + path)
        assert page.status_code == 200, path
        found = [unescape(each) for each in ADDRESS.findall(page.text)]
        assert found
        assert [each for each in found if not each.startswith((f"{root}/", "?", "#"))] == []
    for path in {each for each in found if "/static/" in each}:
        assert ask("GET", path).status_code == 200

    check_form(ask, root, f"{root}/queues/shop", "pause", "shop is paused")
    [odd] = [each for each in found_on(ask, f"{root}/") if "queues/~" in each and "?" not in each]
    check_form(ask, root, odd, "pause", "b/c is paused")
    [job] = [each for each in found_on(ask, f"{root}/queues/shop") if "jobs/~" in each]
    check_form(ask, root, job, "cancel", "a/b is cancelled")


def found_on(ask: Ask, path: str) -> list[str]:
    return [unescape(each) for each in ADDRESS.findall(ask("GET", path).text)]


def check_form(ask: Ask, root: str, path: str, action: str, said: str) -> None:
    """Send a form of a page, and follow it."""
    page = ask("GET", path).text
    token, back = (
        re.findall(rf'name="{name}" value="([^"]*)"', page) for name in ("token", "back")
    )
    [target] = {each for each in ADDRESS.findall(page) if each.endswith(f"/{action}")}

    data = {"token": token[0], "back": unescape(back[0])}
    answer = ask("POST", unescape(target), data=data, headers=SENT)

    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{root}/")
    assert f"Path={root};" in answer.headers["set-cookie"]
    assert said in ask("GET", answer.headers["location"]).text


def test_in_fastapi(example: Any) -> None:
    check_dashboard(asker_asgi(example("fastapi", "fastapi_shop")), "/login?name=ann")


def test_in_fastapi_behind_a_prefix(example: Any) -> None:
    app = example("fastapi", "fastapi_shop")
    outer = pytest.importorskip("starlette.applications").Starlette()
    outer.mount("/ops", app)

    check_dashboard(asker_asgi(outer), "/ops/login?name=ann", "/ops/jobs")


def test_in_flask(example: Any) -> None:
    check_dashboard(asker_wsgi(example("flask", "flask_shop")), "/login/ann")


@pytest.mark.parametrize(
    ("framework", "name", "asker"),
    [("fastapi", "fastapi_shop", asker_asgi), ("flask", "flask_shop", asker_wsgi)],
)
def test_the_mounted_path_leads_to_the_first_page(
    example: Any, framework: str, name: str, asker: Callable[[Any], Ask]
) -> None:
    ask = asker(example(framework, name))
    ask("POST", "/login/ann" if framework == "flask" else "/login?name=ann")

    answer = ask("GET", "/jobs", follow_redirects=True)

    assert answer.status_code == 200
    assert answer.url.path == "/jobs/"


DJANGO = """
from wsgi import application
from django.contrib.auth import get_user_model
from django.core.management import call_command
from tests.web.test_mounted import asker_wsgi, check_dashboard

call_command("migrate", verbosity=0)
get_user_model().objects.create_user("bob", password="x")
get_user_model().objects.create_superuser("ann", password="x")
stranger = asker_wsgi(application)
stranger("POST", "/login/bob")
assert stranger("GET", "/jobs/").status_code == 403
check_dashboard(asker_wsgi(application), "/login/ann")
answer = stranger("GET", "/other")
assert answer.status_code == 404, answer
"""
SETTINGS = """
SECRET_KEY, DEBUG, ALLOWED_HOSTS, ROOT_URLCONF = "x", False, ["*"], "shop.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.sqlite"}}
INSTALLED_APPS = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
"""
URLS = """
from django.contrib.auth import authenticate, login
from django.http import HttpResponse
from django.urls import path

def sign_in(request, name):
    login(request, authenticate(request, username=name, password="x"))
    return HttpResponse("hello")

urlpatterns = [path("login/<name>", sign_in)]
"""


def test_in_django(example: Any, tmp_path: Path, buoy_server: Server) -> None:
    pytest.importorskip("django")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "settings.py").write_text(SETTINGS)
    (tmp_path / "shop" / "urls.py").write_text(URLS)
    run_program(DJANGO, tmp_path, buoy_server)


@pytest.mark.parametrize(
    ("place", "sent", "status"),
    [
        ("PATH_INFO", "/queues/\xff", "400 Bad Request"),
        ("SCRIPT_NAME", "/\xc3", "400 Bad Request"),
        ("QUERY_STRING", "q=\xe9", "400 Bad Request"),
        ("QUERY_STRING", "q=%C3%A9", "200 OK"),
        ("PATH_INFO", "/queues/caf\xc3\xa9", "200 OK"),
    ],
)
def test_an_address_that_is_no_text_is_refused(
    buoy_app: App, place: str, sent: str, status: str
) -> None:
    Charge.using(queue="café").enqueue(1)
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    environ |= {"SERVER_PROTOCOL": "HTTP/1.1", "PATH_INFO": "/jobs"} | {place: sent}
    answers: list[str] = []

    site = wsgi_dashboard(buoy_app, authorize=lambda _: "viewer")
    body = b"".join(site(environ, lambda status, headers, error=None: answers.append(status)))

    assert answers == [status]
    if status != "200 OK":
        assert body == b"Expected an address in UTF-8, percent-encoded.\n"


FORK = """
import os, signal
from buoy import App
from buoy_web import wsgi_dashboard
from tests.web.test_mounted import asker_wsgi

site = wsgi_dashboard(App(), authorize=lambda _: "viewer")
assert asker_wsgi(site)("GET", "/").status_code == 200
child = os.fork()
if child == 0:
    signal.alarm(100)
    os._exit(0 if asker_wsgi(site)("GET", "/").status_code == 200 else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_server_may_load_it_and_then_fork(tmp_path: Path, buoy_server: Server) -> None:
    run_program(FORK, tmp_path, buoy_server)


def run_program(text: str, folder: Path, server: Server) -> None:
    """Run a program in a process of its own; fails if that ends with an error."""
    ended = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env={"BUOY_URL": server.url, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
