"""The dashboard below ``jobs/``."""

import re
import sys
from importlib import import_module, reload
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, override_settings

from buoy_django.test import BuoyTestCase

from ..jobs import fails


def operators(user: User) -> str | None:
    """Returns the role of a user: everybody is an operator."""
    return "operator" if user.is_authenticated else None


class DashboardTests(BuoyTestCase):
    """Who sees it, and what it does."""

    def client_of(self, **fields: Any) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(User.objects.create_user("ann", **fields))
        return client

    def fail_once(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            fails.enqueue("boom")
        self.drain()

    def test_others_are_led_to_the_login_or_refused(self) -> None:
        answer = Client().get("/jobs/failed?q=x")
        assert answer["Location"] == "/accounts/login/?next=/jobs/failed%3Fq%3Dx"
        assert self.client_of().get("/jobs/").status_code == 403

    def test_staff_sees_and_changes_nothing(self) -> None:
        self.fail_once()
        client = self.client_of(is_staff=True)
        page = client.get("/jobs/failed")
        assert b"shop.jobs.fails" in page.content
        assert 'href="/jobs/workers"' in page.content.decode()
        assert page["X-Frame-Options"] == "DENY"
        assert b"you are viewer" in self.retry(client).content

    def test_superusers_retry_and_see_it_said(self) -> None:
        self.fail_once()
        client = self.client_of(is_staff=True, is_superuser=True)
        answer = self.retry(client)
        assert answer.status_code == 303
        assert self.buoy_app.monitor.queues()[0].queued == 1
        assert b"1 job is queued again." in client.get(answer["Location"]).content

    def retry(self, client: Client) -> Any:
        """Returns the answer to a form of the dashboard, which has a token of its own."""
        page = client.get("/jobs/failed").content.decode()
        found = re.search('name="token" value="([^"]+)', page)
        token = found[1] if found else "none"
        form = urlencode({"token": token, "all": "yes", "q": "", "back": "/failed"})
        kind, site = "application/x-www-form-urlencoded", {"sec-fetch-site": "same-origin"}
        return client.post("/jobs/failed/retry", form, content_type=kind, headers=site)

    def test_a_function_of_the_project_decides(self) -> None:
        path = f"{__name__}.operators"
        with override_settings(BUOY={"DASHBOARD_ROLE": path}):
            assert self.client_of().get("/jobs/").status_code == 200
        wrong = override_settings(BUOY={"DASHBOARD_ROLE": "no.such"})
        with wrong, self.assertRaises(ImproperlyConfigured) as error:
            Client().get("/jobs/")
        assert str(error.exception).startswith(
            "settings.BUOY: DASHBOARD_ROLE: expected the path of a function of a user that returns"
        )

    def test_static_files_and_unknown_pages(self) -> None:
        client = self.client_of(is_staff=True)
        style = client.get("/jobs/static/buoy.css")
        assert (style.status_code, style["Content-Type"]) == (200, "text/css; charset=utf-8")
        assert client.get("/jobs/no/such").status_code == 404

    def test_a_job_whose_id_has_slashes_and_umlauts(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            fails.using(id="ä/b c").enqueue("x")
        client = self.client_of(is_staff=True)
        page = client.get("/jobs/jobs").content.decode()
        [path] = re.findall('href="(/jobs/jobs/[^"?]+)"', page)
        page = client.get(path)
        assert (page.status_code, "ä/b c" in page.content.decode()) == (200, True)

    def test_below_a_path_with_variables(self) -> None:
        client = self.client_of(is_staff=True)
        page = client.get("/of/ann/jobs/failed").content.decode()
        assert 'href="/of/ann/jobs/workers"' in page

    async def test_under_asgi(self) -> None:
        client = AsyncClient()
        user = await User.objects.acreate(username="eve", is_staff=True, is_superuser=True)
        await client.aforce_login(user)
        answer = await client.get("/jobs/")
        assert answer.status_code == 200
        assert b'href="/jobs/workers"' in answer.content

    def test_without_buoy_web_it_says_what_to_install(self) -> None:
        missing = {"buoy_web": None, "buoy_django.dashboard": None}
        with (
            mock.patch.dict(sys.modules, missing),
            self.assertRaises(ImproperlyConfigured) as error,
        ):
            reload(import_module("buoy_django.urls"))
        assert str(error.exception).startswith(
            "buoy_django.urls: expected the package buoy-web, which has the dashboard: "
            "pip install 'buoy-django[web]' (import of "
        )

    def test_without_the_middleware_it_says_what_is_missing(self) -> None:
        with override_settings(MIDDLEWARE=[]), self.assertRaises(ImproperlyConfigured) as error:
            Client().get("/jobs/")
        assert str(error.exception).endswith(
            "put django.contrib.auth.middleware.AuthenticationMiddleware into MIDDLEWARE"
        )
