"""Parts of pages that functions make: pages have so many of them that templates would be slow."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import quote

from markupsafe import Markup, escape

from .address import segment
from .search import Search
from .writing import MOST_SHOWN, as_html, exact, shown

NO_FIELDS: Mapping[str, object] = {}


def is_plain(id: str) -> bool:
    """Whether an id needs no escape anywhere, as most ids."""
    return id.isascii() and id.isalnum() and len(id) < MOST_SHOWN


def tick_box(id: str) -> str:
    """Returns the box that selects a job for an action, as HTML."""
    sent, said = (id, id) if is_plain(id) else (exact(id), as_html(id))
    return f'<input type="checkbox" name="id" value="{sent}" aria-label="Select {said}">'


def id_link(id: str, root: str) -> Markup:
    """Returns the id of a job as a link to its page."""
    return Markup(link_to_job(id, escape(root)))  # noqa: S704 - it is escaped


def link_to_job(id: str, root: str) -> str:
    """Returns the id of a job as a link to its page, as HTML. ``root``: escaped, too."""
    path, text = (id, id) if is_plain(id) else (escape(segment(id)), as_html(id))
    return f'<a class="id" href="{root}/jobs/{path}">{text}</a>'


@lru_cache(1000)
def hidden_field(name: str, value: str) -> str:
    """Returns a field that a form sends back as it is, as HTML."""
    return f'<input type="hidden" name="{escape(name)}" value="{exact(value)}">'


def form_maker(root: str, here: str, token: str) -> Callable[..., Markup]:
    """Returns what makes the forms of one button of a page: pages have many of them."""
    start = f'<form method="post" action="{escape(root)}/'
    hidden = hidden_field("token", token) + hidden_field("back", here)

    def action_form(
        path: str,
        label: str,
        style: str = "",
        title: str = "",
        fields: Mapping[str, object] = NO_FIELDS,
    ) -> Markup:
        """Returns a form that sends an action, with its token. ``fields``: what it sends besides,
        by name."""
        more = "".join([hidden_field(name, str(value)) for name, value in fields.items()])
        return Markup(  # noqa: S704 - what is inserted is escaped
            f'{start}{escape(path)}" class="inline">{hidden}{more}'
            f"{button(label, style, title)}</form>"
        )

    return action_form


@lru_cache(1000)
def button(label: str, style: str, title: str) -> str:
    """Returns the button of a form, as HTML. ``title``: what it does, if that is not plain."""
    told = f' title="{escape(shown(title))}"' if title else ""
    return f'<button class="{escape(style)}"{told}>{escape(shown(label))}</button>'


@lru_cache(100)
def state_tag(state: str) -> Markup:
    """Returns the state of a job, in its colour."""
    return Markup('<span class="state {}">{}</span>').format(state, state)


@lru_cache(1000)
def narrowed(search: Search, key: str, value: str) -> str:
    """Returns the line of a search with another value for a key, for an address."""
    return quote(search.line(**{key: value}))
