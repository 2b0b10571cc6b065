"""The dashboard of buoy-web as a view of Django."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from buoy import App, Job
from buoy_web import Person, wsgi_dashboard

from .configuration import import_role, own_setting

PERSON = "buoy_django.person"
"""Where the environment of a request says who sends it."""
NO_USER = (
    "buoy_django.urls: expected request.user, which tells who may see the dashboard; put "
    "django.contrib.auth.middleware.AuthenticationMiddleware into MIDDLEWARE"
)


def dashboard(request: HttpRequest, rest: str, **_: object) -> HttpResponse:
    """Shows a page of the dashboard, or does what a form of it says. ``rest`` is the path below the
    dashboard; the path above it may have variables, too."""
    person = person_of(request)
    if person is None:
        return refuse(request)
    return call_wsgi(dashboard_of(Job.app), environ_of(request, rest) | {PERSON: person})


dashboard.csrf_exempt = True  # type: ignore[attr-defined]  # it has tokens of its own


@cache
def dashboard_of(app: App) -> Any:
    """Returns the dashboard of an app, as a WSGI app."""
    return wsgi_dashboard(app, authorize=lambda asked: asked.scope["wsgi_environ"][PERSON])


# Who may see it


def person_of(request: HttpRequest) -> Person | None:
    """Returns who sends the request; None if they may not see it."""
    if not hasattr(request, "user"):
        raise ImproperlyConfigured(NO_USER)
    role = import_role(own_setting("DASHBOARD_ROLE"))(request.user)
    return None if role is None else Person(role, request.user.get_username())


def refuse(request: HttpRequest) -> HttpResponse:
    """Returns the way to the login; raises PermissionDenied if somebody has logged in."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.get_full_path(), login_url())


def login_url() -> str:
    """Returns the address of the login: that of the admin if the project has it."""
    try:
        return str(reverse("admin:login"))
    except NoReverseMatch:
        return str(settings.LOGIN_URL)


# WSGI


def environ_of(request: HttpRequest, rest: str) -> dict[str, Any]:
    """Returns the environment of a request for the app below this view. Under ASGI, too: Django
    names its fields in the same way."""
    root = request.path.removesuffix(rest).rstrip("/")
    return {
        **{name: value for name, value in request.META.items() if isinstance(value, str)},
        "SCRIPT_NAME": as_wsgi(root),
        "PATH_INFO": as_wsgi(f"/{rest}"),
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": BytesIO(request.body),
        "wsgi.url_scheme": request.scheme,
    }


def as_wsgi(text: str) -> str:
    """Returns a text as WSGI has it: each byte of UTF-8 is a character."""
    return text.encode(errors="surrogateescape").decode("latin-1")


def call_wsgi(app: Callable[..., Any], environ: dict[str, Any]) -> HttpResponse:
    """Returns the response of a WSGI app."""
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        begun[:] = [status, headers]

    body = b"".join(app(environ, start_response))
    status, headers = begun
    code, _, reason = status.partition(" ")
    response = HttpResponse(body, status=int(code), reason=reason)
    del response["Content-Type"]
    for name, value in headers:
        add_header(response, name, value)
    return response


def add_header(response: HttpResponse, name: str, value: str) -> None:
    """Add a header to a response; Django keeps cookies apart."""
    if name.lower() == "set-cookie":
        response.cookies.load(value)
    else:
        response[name] = value
