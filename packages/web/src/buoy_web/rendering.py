"""How pages become HTML: the templates, and what they may use."""

import shlex
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.requests import Request

from .address import here_of, root_of, segment
from .charts import clock
from .elements import form_maker, id_link, narrowed, state_tag
from .job_table import job_table
from .page import Page, Values, Visit
from .writing import (
    arguments,
    count,
    duration,
    exact,
    iso,
    pretty_json,
    rate,
    short,
    short_json,
    shown,
    size,
    time_tag,
    web_address,
    word,
)


class Renderer:
    """Renders the pages of one app.

    ``names``: of all apps, if the dashboard has several; ``name``: that of this one, "" for the
    page of all.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        templates: Sequence[str],
        title: str,
        name: str = "",
        names: Sequence[str] = (),
    ) -> None:
        self.pages, self.title, self.name, self.names = pages, title, name, names
        packages = {"buoy_web", *(each.partition("/")[0] for each in templates)}
        loaders = {name: PackageLoader(name) for name in packages if import_module(name)}
        self.environment = Environment(
            loader=PrefixLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals |= {"job_table": job_table}
        self.environment.filters |= {
            "time": time_tag,
            "duration": duration,
            "bytes": size,
            "json": pretty_json,
            "short_json": short_json,
            "count": count,
            "iso": iso,
            "clock": clock,
            "segment": segment,
            "shell": shlex.quote,
            "exact": exact,
            "short": short,
            "arguments": arguments,
            "id_link": id_link,
            "narrowed": narrowed,
            "state_tag": state_tag,
            "word": word,
            "web_address": web_address,
            "rate": rate,
        }

    def render(
        self,
        page: Page,
        values: Values,
        request: Request,
        visit: Visit,
        *,
        token: str,
        **more: Any,
    ) -> str:
        """Returns a page as HTML. ``token``: that of its forms."""
        template = self.environment.get_template(page.template)
        frame = self.frame(request, visit, page)
        forms = {"token": token, "action_form": form_maker(frame["root"], frame["here"], token)}
        return template.render(values | frame | forms | more)

    def problem(self, request: Request, visit: Visit, **values: Any) -> str:
        """Returns a page that says what went wrong: ``problem``, its title, and ``text``. With
        ``again`` it asks for the page that was wanted until that is there."""
        template = self.environment.get_template("buoy_web/problem.html")
        return template.render(values | {"token": ""} | self.frame(request, visit, None))

    def frame(self, request: Request, visit: Visit, page: Page | None) -> Values:
        """Returns the values that the frame around each page needs."""
        return {
            "root": root_of(request.scope),
            "here": here_of(request.scope),
            "page": page,
            "pages": [each for each in self.pages if each.title],
            "person": visit.person,
            "site_title": self.title,
            "app_names": self.names,
            "app_name": self.name,
            "site": root_of(request.scope).removesuffix(f"/{self.name}"),
        }
