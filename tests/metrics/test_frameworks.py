"""The page as a part of other web programs: the examples of docs/metrics.md."""

import asyncio
import importlib
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from buoy import App, Job
from buoy.embedded.server import Server
from buoy_metrics import BuoyCollector, asgi_app, mounted, wsgi_app
from buoy_metrics.reader import Reader
from tests.docs.blocks import Page

from .conftest import PATIENCE

PAGE = Page("docs/metrics.md")
QUEUED = 'buoy_queue_jobs{queue="default",state="queued"} 1.0'


class Charge(Job):
    def perform(self, number: int) -> None: ...


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buoy_app: App) -> Any:
    """Returns a function that imports one file of the page."""
    Charge.enqueue(1)
    begin = Reader.__init__
    monkeypatch.setattr(Reader, "__init__", lambda self, app, _: begin(self, app, PATIENCE))
    PAGE.write_files(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def load(framework: str, name: str) -> ModuleType:
        pytest.importorskip(framework)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


def ask_asgi(app: Any, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def ask_wsgi(app: Any, path: str, **headers: str) -> httpx.Response:
    transport = httpx.WSGITransport(app)
    with httpx.Client(transport=transport, base_url="http://shop") as client:
        return client.get(path, headers=headers)


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_fastapi_and_starlette_serve_the_page(example: Any, framework: str) -> None:
    app = example(framework, f"{framework}_page").app

    answer = ask_asgi(app, "/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert QUEUED in answer.text


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_a_mounted_page_is_behind_a_slash(framework: str) -> None:
    pytest.importorskip(framework)
    from starlette.applications import Starlette

    app = Starlette()
    app.mount("/metrics", asgi_app())

    assert ask_asgi(app, "/metrics").headers["location"] == "http://shop/metrics/"
    assert "buoy_redis_up" in ask_asgi(app, "/metrics/").text


def test_flask_serves_the_page(example: Any) -> None:
    app = example("flask", "flask_page").app

    answer = ask_wsgi(app, "/metrics")

    assert answer.status_code == 200
    assert QUEUED in answer.text
    assert ask_wsgi(app, "/other").status_code == 404


def test_django_serves_the_page(example: Any, tmp_path: Path, buoy_server: Server) -> None:
    code = """
import django
from django.conf import settings
settings.configure(ROOT_URLCONF="urls", ALLOWED_HOSTS=["*"])
django.setup()
from django.test import Client
answer = Client().get("/metrics")
print(answer["Content-Type"])
print(answer.content.decode())
"""
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"BUOY_URL": buoy_server.url},
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("text/plain; version=")
    assert QUEUED in said.stdout


def test_the_page_is_added_to_one_that_is_there(buoy_app: App) -> None:
    registry = CollectorRegistry(auto_describe=True)  # as prometheus_client.REGISTRY
    registry.register(BuoyCollector(timeout=PATIENCE))

    assert b"buoy_redis_up 1.0" in generate_latest(registry)


def test_registering_asks_nobody() -> None:
    registry = CollectorRegistry(auto_describe=True)

    registry.register(BuoyCollector(App("redis://203.0.113.7")))


@pytest.mark.parametrize("ask", [ask_asgi, ask_wsgi])
class TestPage:
    """What both kinds of applications answer."""

    @pytest.fixture
    def app(self, ask: Any, buoy_app: App) -> Any:
        return (asgi_app if ask is ask_asgi else wsgi_app)(timeout=PATIENCE)

    def test_open_metrics_are_told_to_those_who_ask(self, app: Any, ask: Any) -> None:
        answer = ask(app, "/", accept="application/openmetrics-text; version=1.0.0")

        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.text.endswith("# EOF\n")

    def test_it_is_compressed_for_those_who_can_read_that(self, app: Any, ask: Any) -> None:
        answer = ask(app, "/", **{"accept-encoding": "gzip"})

        assert answer.headers["content-encoding"] == "gzip"
        assert "buoy_redis_up 1.0" in answer.text

    def test_single_metrics_can_be_asked_for(self, app: Any, ask: Any) -> None:
        answer = ask(app, "/?name[]=buoy_redis_up")

        assert answer.text.splitlines()[-1] == "buoy_redis_up 1.0"
        assert "buoy_scrape_errors" not in answer.text


def test_the_event_loop_goes_on_while_redis_is_read(
    buoy_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer waits for a task of the loop, which comes after it has been asked for."""
    turned = threading.Event()
    reads = mounted.AsgiApp._answer

    def reading(app: mounted.AsgiApp, scope: Any) -> Any:
        assert turned.wait(PATIENCE)
        return reads(app, scope)

    monkeypatch.setattr(mounted.AsgiApp, "_answer", reading)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(asgi_app(timeout=PATIENCE))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            asking = asyncio.ensure_future(client.get("/"))
            await asyncio.sleep(0.05)
            turned.set()
            return await asking

    assert asyncio.run(ask()).status_code == 200


def test_it_answers_http_only() -> None:
    async def start() -> None:
        await asgi_app()({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    with pytest.raises(NotImplementedError, match="buoy_metrics: expected http, got lifespan"):
        asyncio.run(start())
