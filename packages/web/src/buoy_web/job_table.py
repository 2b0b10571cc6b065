"""Tables of jobs, as HTML. A page has hundreds of their cells, so functions write them."""

from collections.abc import Sequence

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from buoy.plugins.redis import JobView

from .address import segment
from .elements import link_to_job, narrowed, state_tag, tick_box
from .writing import arguments, as_html, as_text, short, time_element

HEADS = {
    "pick": '<th class="pick"><input type="checkbox" data-select-all class="scripted" '
    'aria-label="Select all"></th>',
    "id": "<th>Job</th>",
    "state": "<th>State</th>",
    "name": "<th>Class</th>",
    "name_and_tags": "<th>Class</th>",
    "queue": "<th>Queue</th>",
    "queue_link": "<th>Queue</th>",
    "arguments": "<th>Arguments</th>",
    "attempt": '<th class="n">Attempt</th>',
    "enqueued": "<th>Enqueued</th>",
    "since": "<th>Since</th>",
    "due": "<th>Due</th>",
    "blocked": "<th>Blocked</th>",
    "failed": "<th>Failed</th>",
    "error": "<th>Error</th>",
    "retry": "<th>Retry</th>",
    "cancel": '<th><span class="hidden">Actions</span></th>',
}
"""The heads of cells, by their names."""
ARGUMENTS, MESSAGE = 300, 300
"""Characters of arguments and of messages of errors, at most."""
CANCEL = "End the run at the next heartbeat of its worker; the job is gone then"


@pass_context
def job_table(context: Context, jobs: Sequence[JobView], names: Sequence[str]) -> Markup:
    """Returns a table of jobs with these cells, by the names in HEADS. "columns" stands for the
    columns that packages add: the variable ``columns`` of the template."""
    table = JobTable(context)
    if not context.get("columns"):
        names = [name for name in names if name != "columns"]
    heads = "".join([HEADS.get(name) or table.column_heads() for name in names])
    cells = [getattr(table, name) for name in names]
    rows = [f"  <tr>{''.join([cell(job) for cell in cells])}</tr>\n" for job in jobs]
    return Markup(  # noqa: S704 - cells are escaped
        f'<div class="scroll">\n<table>\n  <thead><tr>{heads}</tr></thead>\n'
        f"  <tbody>\n{''.join(rows)}  </tbody>\n</table>\n</div>"
    )


class JobTable:
    """Writes the cells of one table. Each method returns a cell as HTML."""

    def __init__(self, context: Context) -> None:
        self.context, self.root = context, escape(context["root"])
        self.links = f"{self.root}/jobs?q="

    def pick(self, job: JobView) -> str:
        return f'<td class="pick">{tick_box(job.id)}</td>'

    def id(self, job: JobView) -> str:
        return f"<td>{link_to_job(job.id, self.root)}</td>"

    def state(self, job: JobView) -> str:
        return f"<td>{state_tag(job.state)}</td>"

    def name(self, job: JobView) -> str:
        return f"<td>{name_of(job)}</td>"

    def name_and_tags(self, job: JobView) -> str:
        tags = "".join([self.tag(tag) for tag in job.tags])
        return f"<td>{name_of(job)}{tags}</td>"

    def tag(self, tag: str) -> str:
        line = narrowed(self.context["search"], "tag", tag)
        return f' <a class="tag" href="{self.links}{line}">{as_html(tag)}</a>'

    def queue(self, job: JobView) -> str:
        return f"<td>{as_html(job.queue)}</td>"

    def queue_link(self, job: JobView) -> str:
        line = narrowed(self.context["search"], "queue", job.queue)
        return f'<td><a href="{self.links}{line}">{as_html(job.queue)}</a></td>'

    def arguments(self, job: JobView) -> str:
        return f'<td class="args"><code>{as_html(arguments(job, ARGUMENTS))}</code></td>'

    def attempt(self, job: JobView) -> str:
        return f'<td class="n">{as_html(job.attempt)}</td>'

    def enqueued(self, job: JobView) -> str:
        return f"<td>{time_element(job.enqueued_at)}</td>"

    def since(self, job: JobView) -> str:
        return f"<td>{time_element(job.since)}</td>"

    def at(self, job: JobView) -> str:
        return f"<td>{time_element(job.at)}</td>"

    due = blocked = failed = at

    def error(self, job: JobView) -> str:
        error, message = job.failure.get("error", ""), job.failure.get("message", "")
        said = as_html(short(as_text(message), MESSAGE))
        return f'<td class="error"><strong>{as_html(error)}</strong> {said}</td>'

    def retry(self, job: JobView) -> str:
        """Which attempt comes, and the error of the last one: the variable ``errors`` has it."""
        attempt = f"attempt {as_html(job.attempt)}" if job.attempt > 1 else ""
        last = self.context["errors"].get(job.id)
        if last is None:
            return f'<td class="error">{attempt}</td>'
        after = f" after <strong>{as_html(last['error'])}</strong> {as_html(last['message'])}"
        return f'<td class="error">{attempt}{after}</td>'

    def cancel(self, job: JobView) -> str:
        path = f"jobs/{segment(job.id)}/cancel"
        return f"<td>{self.context['action_form'](path, 'Cancel', 'danger', CANCEL)}</td>"

    def columns(self, job: JobView) -> str:
        cells = [column.cells.get(job.id, "") for column in self.context["columns"]]
        return "".join([f"<td>{as_html(cell)}</td>" for cell in cells])

    def column_heads(self) -> str:
        return "".join([f"<th>{as_html(column.title)}</th>" for column in self.context["columns"]])


def name_of(job: JobView) -> str:
    """Returns the name of the class of a job, as HTML; with its priority, if that is not normal."""
    name, level = as_html(job.name or "(unreadable)"), job.priority
    if level == "normal":
        return name
    return f'{name} <span class="tag {level}" title="priority">{level}</span>'
