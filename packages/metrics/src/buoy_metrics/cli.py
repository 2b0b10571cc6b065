"""The command ``buoy metrics``."""

from pathlib import Path

import click

from buoy.plugins.commands import (
    TEXT,
    File,
    WholeNumber,
    log_format_option,
    quiet_option,
    require_unix,
    setting_option,
)

DASHBOARD, ALERTS = "grafana-dashboard.json", "alert-rules.yml"


@click.command()
@setting_option(
    "--port",
    setting="metrics_port",
    type=WholeNumber(0, 65535),
    default=9394,
    show_default=True,
    help="Where to listen; 0 takes any free port.",
)
@setting_option(
    "--host",
    setting="metrics_host",
    type=TEXT,
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0 is all of this machine.",
)
@click.option(
    "--dashboard",
    is_flag=True,
    help="Print a dashboard for Grafana, and end.",
)
@click.option(
    "--alerts",
    is_flag=True,
    help="Print alert rules for Prometheus, and end.",
)
@click.option(
    "--pidfile",
    type=File(path_type=Path),
    help="Write the id of this process to a file, for a process monitor; removed at the end.",
)
@click.option("-v", "--verbose", is_flag=True, help="Also log each request.")
@quiet_option
@log_format_option
def metrics(
    port: int,
    host: str,
    dashboard: bool,
    alerts: bool,
    pidfile: Path | None,
    verbose: bool,
    quiet: bool,
) -> None:
    """Serve the metrics of all queues and workers to Prometheus, at /metrics.

    One process is enough for all of an app. TERM, INT, QUIT: end at once.
    """
    if dashboard or alerts:
        file = Path(__file__).with_name(DASHBOARD if dashboard else ALERTS)
        click.echo(file.read_text(encoding="utf-8"), nl=False)
        return
    require_unix()
    from buoy.plugins.daemon import (
        address_of,
        configure_logging,
        exit_on_signals,
        listen,
        pid_file,
        set_title,
    )

    context = click.get_current_context()
    context.with_resource(exit_on_signals(context.close))
    from . import wsgi_app
    from .server import PAGE, Server, log

    configure_logging(verbose - quiet)
    context.with_resource(pid_file(pidfile))
    server = Server(listen(host, port), wsgi_app())
    log.info("metrics at %s%s", address_of(host, server.socket).rstrip("/"), PAGE)
    set_title(f"metrics: port {server.server_port}")
    server.serve_forever()
