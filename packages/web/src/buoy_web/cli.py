"""The commands ``buoy web``, which serves the dashboard by itself, and ``buoy deploy``."""

import ipaddress
import re
import signal
from urllib.parse import urlsplit

import click
from starlette.requests import HTTPConnection

from buoy import App, ConfigurationError, Job
from buoy.plugins.commands import (
    TEXT,
    WholeNumber,
    app_option,
    choose_redis,
    load_chosen_app,
    log_format_option,
    print_line,
    require_unix,
    setting_option,
)
from buoy.plugins.text import masked_url

from .access import Role, basic_login

NAMED = re.compile(r"(?:([^=:/?#]*)=)?(.+?)(?:#(.*))?")
"""The name of an app, its URL, its namespace."""


def choose_apps(
    ctx: click.Context, param: click.Parameter, urls: tuple[str, ...]
) -> dict[str, App]:
    """Returns the apps that the option names; none if it gives only the URL of one."""
    if len(urls) == 1 and not named(urls[0])[0]:
        choose_redis(ctx, param, urls[0])
        return {}
    apps: dict[str, App] = {}
    for given in urls:
        name, url, namespace = named(given)
        if not name or name in apps:
            wanted = "NAME=URL, each name once" if name else "NAME=URL for each of several"
            got = f"{name}={masked_url(url)}" if name else masked_url(url)
            raise ConfigurationError(f"--url: expected {wanted}, got {got}")
        apps[name] = App(url, namespace=namespace)
        apps[name].settings  # noqa: B018 - this checks them
    return apps


def named(given: str) -> tuple[str, str, str | None]:
    """Returns name, URL and namespace."""
    found = NAMED.fullmatch(given)
    return (found[1] or "", found[2], found[3] or None) if found else ("", given, None)


@click.command()
@app_option(required=False)
@setting_option(
    "--url",
    "urls",
    setting="web_urls",
    multiple=True,
    type=TEXT,
    metavar="[NAME=]URL[#NAMESPACE]",
    callback=choose_apps,
    help="The Redis to use. Several, each with a name, are shown as several apps.",
)
@setting_option(
    "--host",
    setting="web_host",
    default="127.0.0.1",
    show_default=True,
    type=TEXT,
    help="The address to listen on; one that other machines can reach needs --login.",
)
@setting_option(
    "--port",
    setting="web_port",
    default=9292,
    show_default=True,
    type=WholeNumber(0, 65_535),
    help="Where to listen; 0 takes any free port.",
)
@click.option(
    "--login",
    type=TEXT,
    envvar="BUOY_WEB_LOGIN",
    metavar="NAME:PASSWORD",
    help="Ask for this name and password.  [env: BUOY_WEB_LOGIN]",
)
@click.option("--read-only", is_flag=True, help="Let nobody change anything.")
@log_format_option
def web(
    app: list[str],
    urls: dict[str, App],
    host: str,
    port: int,
    login: str | None,
    read_only: bool,
) -> None:
    """Serve the dashboard.

    TERM, INT, QUIT: end after the requests that run; a second one: end at once.
    """
    require_unix()
    from buoy.plugins.daemon import (
        address_of,
        configure_logging,
        exit_on_signals,
        listen,
        set_title,
    )

    context = click.get_current_context()
    context.with_resource(exit_on_signals(context.close))
    if login is None and not is_loopback(host):
        raise ConfigurationError(
            f"--host {host}: expected --login NAME:PASSWORD (or BUOY_WEB_LOGIN), since other "
            "machines can reach this dashboard, got none"
        )
    authorize = local_admin if login is None else basic_login(login)
    ask = "" if login is None else 'Basic realm="buoy", charset="UTF-8"'
    from .serving import Server
    from .several import dashboard

    configure_logging(-1)
    if app:
        load_chosen_app(app)
    site = dashboard(urls or Job.app, authorize=authorize, ask=ask, read_only=read_only)
    with listen(host, port) as listening:
        address = address_of(host, listening)
        set_title(f"web: port {urlsplit(address).port}")
        print_line(f"the dashboard is at {address}")
        Server(site).serve_until_stopped(listening)
    signal.raise_signal(signal.SIGTERM)  # ends also with threads that still wait for Redis


@click.command()
@app_option(required=False)
@click.argument("label", type=TEXT)
def deploy(app: list[str], label: str) -> None:
    """Mark a deploy in the charts of the dashboard.

    LABEL names it: a version, or a commit. Call it on each deploy; if several hosts do so within
    ten minutes, that is one deploy.
    """
    from .deploys import mark_deploy

    if app:
        load_chosen_app(app)
    is_new = mark_deploy(Job.app, label)
    print_line(f"{label}: marked" if is_new else f"{label}: it is marked already")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def local_admin(request: HTTPConnection) -> Role | None:
    """The callback of a dashboard that only this machine can reach: every request is admin's.

    The page of another site, whose name leads to this machine, must not count as the dashboard. So
    requests for other hosts are refused.
    """
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    except ValueError:
        return None
    return "admin" if host and is_loopback(host) else None
