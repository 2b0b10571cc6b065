"""The dashboard of one app as an ASGI app: its routes, and how a request becomes a page or a
change."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from buoy import App, BrokerError, BuoyError, Unavailable
from buoy.plugins import Log

from .access import Authorize
from .address import API, is_api, path_in, query_of, root_of, segment_text
from .audit import note
from .forgery import COOKIE, FIELD, Tokens, is_foreign, is_same_origin, new_cookie
from .forms import Form, WrongForm, parse_fields, parse_form, parse_json, read_form
from .installed import installed_parts
from .page import Action, Changed, InvalidForm, NotFound, Page, Values, Visit
from .plain import plain
from .readings import forget
from .rendering import Renderer
from .security import Guard
from .shared import Shared
from .writing import short

logger = Log("buoy.web")
THREADS = 8
"""How many pages wait for Redis at once. An ASGI app into which the dashboard is mounted keeps its
own threads, also while Redis is slow."""
LONGEST_PROBLEM = 2000
"""Characters of what went wrong."""
LONGEST_SAID = 300
"""Characters of what an action has done; the cookie that carries it has little room."""
MOST_IDS, LONGEST_ID = 3, 100
"""How many ids of jobs the audit log tells of one change, and how many characters of each."""
SAID = "buoy_web_said"
"""The cookie that carries the sentence of an action to the next page."""


class Dashboard:
    """The pages and actions of one app.

    ``names``: of all apps, if the dashboard has several; ``name``: that of this one.
    """

    def __init__(
        self, app: App, *, read_only: bool, title: str, name: str = "", names: Sequence[str] = ()
    ) -> None:
        self.app, self.read_only, self.name = app, read_only, name
        self.parts = installed_parts()
        self.renderer = Renderer(self.parts.pages, self.parts.templates, title, name, names)
        self.tokens = Tokens(app)
        self.shared = Shared()
        self.threads = ThreadPoolExecutor(THREADS, "buoy-web")

    def asgi(self, authorize: Authorize, ask: str) -> Starlette:
        return Starlette(
            routes=[
                static_files(),
                *(Route(f"/api/{page.path}", self.json_of(page)) for page in self.parts.pages),
                *(
                    Route(
                        f"/api/{each.path}", self.post(each, self.change_by_json), methods=["POST"]
                    )
                    for each in self.parts.actions
                ),
                *(Route(f"/{page.path}", self.html_of(page)) for page in self.parts.pages),
                *(
                    Route(f"/{each.path}", self.post(each, self.change), methods=["POST"])
                    for each in self.parts.actions
                ),
            ],
            middleware=[Middleware(Guard, authorize=authorize, ask=ask, name=self.name)],
            exception_handlers={404: self.no_such_page, 405: self.wrong_method},
        )

    # Pages

    def html_of(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self.answer(request, lambda: self.html(request, page))

        return endpoint

    def html(self, request: Request, page: Page) -> Response:
        visit = self.visit(request)
        return self.rendered(request, page, self.values(request, page, visit), visit)

    def rendered(
        self, request: Request, page: Page, values: Values, visit: Visit, status: int = 200
    ) -> Response:
        """Returns a page as HTML, with a cookie for the tokens of its forms."""
        cookie = request.cookies.get(COOKIE) or new_cookie()
        text = self.renderer.render(
            page,
            values,
            request,
            visit,
            token=self.tokens.token(cookie, visit.person.name),
            read_only=self.read_only,
            changed=self.read_changed(request),
        )
        response = HTMLResponse(text, status)
        self.set_cookie(request, response, COOKIE, cookie)
        if SAID in request.cookies and not is_update(request):
            response.delete_cookie(SAID, path=self.cookie_path(request))
        return response

    def json_of(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self.answer(
                request, lambda: as_json(self.values(request, page, self.visit(request)))
            )

        return endpoint

    def values(self, request: Request, page: Page, visit: Visit) -> Values:
        """Returns the values of a page. Who has just changed something gets fresh ones, whichever
        process has made the change."""
        fresh = SAID in request.cookies
        if fresh:
            forget(self.app)
        return self.shared.values(page, visit, fresh=fresh)

    def visit(self, request: Request, form: Form | None = None) -> Visit:
        query = parse_fields(query_of(request.scope))
        query.pop("problem", None)  # it is of ``ask_again``: a link could say anything by it
        path = {name: segment_text(str(value)) for name, value in request.path_params.items()}
        return Visit(
            self.app,
            request.state.person,
            path,
            query,
            form or {},
            self.name,
            self.parts.cards,
            self.parts.columns,
        )

    # Changes

    def post(
        self, action: Action, change: Callable[[Request, Action, bytes], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await read_form(request)
            except WrongForm as error:
                return self.problem(request, 413, "Too large", str(error))
            return await self.answer(request, lambda: change(request, action, body))

        return endpoint

    def change(self, request: Request, action: Action, body: bytes) -> Response:
        """Make a change, and send the browser back to the page of the form."""
        visit = self.visit(request, parse_form(body))
        if refusal := self.why_not(visit, action):
            return self.problem(request, 403, "You may not do this", refusal)
        cookie, token = request.cookies.get(COOKIE, ""), visit.get(FIELD)
        right = self.tokens.is_right(cookie, visit.person.name, token)
        if not (is_same_origin(request) and right):
            text = "The form is too old, or it came from another site. Go back and try again."
            return self.problem(request, 403, "Not done", text)
        try:
            changed = self.act(request, visit, action)
        except InvalidForm as error:
            return self.ask_again(request, visit, error)
        response = RedirectResponse(self.back(request, visit), status_code=303)
        text = quote(json.dumps([short(changed.said, LONGEST_SAID), changed.undo]))
        self.set_cookie(request, response, SAID, self.tokens.seal(cookie, text))
        return response

    def change_by_json(self, request: Request, action: Action, body: bytes) -> Response:
        """Make a change for a program; returns what was done."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or is_foreign(request):
            text = "Expected content-type: application/json, and no request of another site."
            return self.problem(request, 403, "Not done", text)
        visit = self.visit(request, parse_json(body))
        if refusal := self.why_not(visit, action):
            return self.problem(request, 403, "You may not do this", refusal)
        return as_json(self.act(request, visit, action))

    def act(self, request: Request, visit: Visit, action: Action) -> Changed:
        """Do it, and note it in the audit log."""
        try:
            done = action.act(visit)
        finally:
            forget(self.app)
            self.shared.forget()
        changed = done if isinstance(done, Changed) else Changed(done)
        path = path_in(request.scope).removeprefix(API)
        note(self.app, visit.person, path, with_ids(changed.said, visit.form.get("id", ())))
        return changed

    def ask_again(self, request: Request, visit: Visit, error: InvalidForm) -> Response:
        """Returns the page of a form with what was typed into it, and what is wrong with that."""
        page = next(page for page in self.parts.pages if page.path == error.page)
        asking = replace(visit, query={**visit.query, **visit.form, "problem": [str(error)]})
        values = page.show(replace(asking, form={}))
        return self.rendered(request, page, values, visit, 400)

    def read_changed(self, request: Request) -> Changed | None:
        """Returns what the last action in this browser has done; None if nothing is to be said.

        The update of a page leaves it to the page that the action leads to.
        """
        if is_update(request):
            return None
        cookie, sealed = request.cookies.get(COOKIE, ""), request.cookies.get(SAID, "")
        text = self.tokens.unseal(cookie, sealed) if sealed else None
        return None if text is None else Changed(*json.loads(unquote(text)))

    def why_not(self, visit: Visit, action: Action) -> str:
        """Returns why a person may not do this; "" if they may."""
        if self.read_only:
            return "This dashboard is read-only."
        if visit.person.may(action.role):
            return ""
        return f"This needs the role {action.role}; you are {visit.person.role}."

    def back(self, request: Request, visit: Visit) -> str:
        """Returns the address of the page to show after a change: one of this dashboard."""
        wanted = visit.get("back")
        inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted
        return root_of(request.scope) + (wanted if inside else "/")

    # Answers

    async def answer(self, request: Request, make: Callable[[], Response]) -> Response:
        """Make the response in a thread, since pages wait for Redis."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, self.attempt, request, make)

    def attempt(self, request: Request, make: Callable[[], Response]) -> Response:
        """Make the response; errors become pages."""
        try:
            return make()
        except NotFound as error:
            return self.not_found(request, str(error))
        except Unavailable as error:
            return self.problem(request, 503, "Redis does not answer", str(error))
        except BrokerError as error:
            return self.problem(request, 503, "Redis refuses this", str(error))
        except (BuoyError, WrongForm) as error:
            return self.problem(request, 400, "That does not work", str(error))
        except Exception as error:
            logger.exception("%s: %s", path_in(request.scope), error)
            text = f"{type(error).__name__}: the log of this server has more."
            return self.problem(request, 500, "The dashboard has failed here", text)

    def not_found(self, request: Request, text: str) -> Response:
        """Returns a page that says so; it also says what an action has done, since that may be why
        the page is gone."""
        changed = self.read_changed(request)
        if changed is None:
            return self.problem(request, 404, "Not found", text)
        response = self.problem(request, 404, "It is gone", text, said=changed.said)
        response.delete_cookie(SAID, path=self.cookie_path(request))
        return response

    async def no_such_page(self, request: Request, _error: Exception) -> Response:
        return self.problem(
            request, 404, "Not found", f"There is no page {path_in(request.scope)}."
        )

    async def wrong_method(self, request: Request, _error: Exception) -> Response:
        text = f"{path_in(request.scope)} does not take {request.method}."
        return self.problem(request, 405, "Not done", text)

    def problem(
        self, request: Request, status: int, title: str, text: str, said: str = ""
    ) -> Response:
        """Returns a page that says what went wrong; for the API as JSON."""
        text = short(text, LONGEST_PROBLEM)
        if is_api(request.scope):
            return as_json({"error": title, "message": text}, status)
        visit = Visit(self.app, request.state.person, app_name=self.name)
        page = self.renderer.problem(
            request,
            visit,
            problem=title,
            text=text,
            read_only=self.read_only,
            again=status == 503 and is_get(request),
            changed=Changed(said) if said else None,
        )
        return HTMLResponse(page, status)

    def set_cookie(self, request: Request, response: Response, name: str, value: str) -> None:
        path, secure = self.cookie_path(request), request.scope["scheme"] == "https"
        response.set_cookie(name, value, path=path, httponly=True, samesite="strict", secure=secure)

    def cookie_path(self, request: Request) -> str:
        return root_of(request.scope).replace(";", "%3B") or "/"


def static_files() -> Mount:
    return Mount("/static", StaticFiles(packages=[("buoy_web", "static")]), name="static")


def with_ids(said: str, ids: Sequence[str]) -> str:
    """Returns what was done, with the ids of the first jobs that a form has named, for the audit
    log."""
    named = [short(id, LONGEST_ID) for id in dict.fromkeys(ids) if id not in said]
    more = f", and {len(named) - MOST_IDS} more" if len(named) > MOST_IDS else ""
    return f"{said} ({', '.join(named[:MOST_IDS])}{more})" if named else said


def is_get(request: Request) -> bool:
    return request.method in ("GET", "HEAD")


def is_update(request: Request) -> bool:
    """Whether a page that is shown asks what has changed."""
    return "hx-request" in request.headers


def as_json(values: Any, status: int = 200) -> Response:
    text = json.dumps(plain(values), indent=2, allow_nan=False)
    return Response(text, status, media_type="application/json")
