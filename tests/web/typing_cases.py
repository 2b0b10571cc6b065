"""What type checkers say of buoy_web: each planted error must be found, and no other."""

from starlette.requests import HTTPConnection

from buoy import App
from buoy_web import Authorize, Person, Role, dashboard, wsgi_dashboard

app = App()


def role(request: HTTPConnection) -> Role | None:
    return "viewer" if "session" in request.cookies else None


async def person(request: HTTPConnection) -> Person | None:
    return Person("admin", request.headers["x-user"])


def wrong(request: HTTPConnection) -> int:
    return 1


dashboard(app, authorize=role)
dashboard(app, authorize=person, read_only=True, title="shop")
wsgi_dashboard(app, authorize=role, read_only=True)
authorize: Authorize = person

dashboard(app)  # type: ignore[call-arg]
dashboard(app, authorize=wrong)  # type: ignore[arg-type]
dashboard("shop", authorize=role)  # type: ignore[arg-type]
dashboard(app, authorize=role, read_only="yes")  # type: ignore[arg-type]
Person("root")  # type: ignore[arg-type]
Person("admin").may("owner")  # type: ignore[arg-type]
wsgi_dashboard(app)  # type: ignore[call-arg]
