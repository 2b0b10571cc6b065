"""The failed jobs: grouped by class and error, found by a filter, retried and removed."""

import time
from collections import Counter

from buoy.plugins.redis import JobView

from ..failures import FURTHEST, conditions_of, find_all_failures, find_failures, groups_of
from ..page import Action, Changed, Page, Values, Visit, jobs_are, kept_back
from ..removed import MOST, keep, restore, stash
from ..search import Search

SHOWN = 20


def show(visit: Visit) -> Values:
    search, reads_all = search_of(visit), visit.get("read") == "all"
    start = visit.number("start", 0, 10**6 if reads_all else FURTHEST)
    if reads_all:
        found = find_all_failures(visit.app, search, range(start, start + SHOWN))
    else:
        found = find_failures(visit.app, search, start)
    jobs = found.jobs[start : start + SHOWN]
    now = time.time()
    return {
        "search": search,
        "groups": groups_of(found.jobs, now),
        "jobs": jobs,
        "columns": visit.filled_columns(jobs),
        "total": found.total,
        "read": found.read,
        "failed": found.failed,
        "matching": len(found.jobs),
        "is_all": found.is_all,
        "reads_all": reads_all,
        "undone": MOST,
        "since": min((job.at for job in found.jobs if job.at), default=now),
        "start": start,
        "shown": SHOWN,
        "more": start + SHOWN < len(found.jobs) and (reads_all or start + SHOWN <= FURTHEST),
    }


def search_of(visit: Visit) -> Search:
    return visit.search().within("failed")


def chosen(visit: Visit) -> list[JobView]:
    """Returns the jobs that a form means: all that match its filter, or those that it names."""
    if visit.get("all") == "yes":
        return list(visit.app.failures.find(**conditions_of(search_of(visit))))
    found = (visit.app.find(id) for id in dict.fromkeys(visit.form.get("id", ())))
    return [job for job in found if job is not None and job.state == "failed"]


def retry(visit: Visit) -> str:
    answers = visit.app.failures.retry(chosen(visit))
    counts: Counter[str] = Counter(answer.kind for answer in answers.values())
    said = f"{jobs_are(counts['queued'])} queued again.{kept_back(counts)}"
    stayed = [answer.kind for answer in answers.values() if not answer.retried]
    return (
        f"{said} {jobs_are(len(stayed))} not: {', '.join(sorted({*stayed}))}." if stayed else said
    )


def remove(visit: Visit) -> Changed:
    found = chosen(visit)
    name = stash(visit.app, found) if 0 < len(found) <= MOST else ""
    removed = set(visit.app.failures.remove(found))
    if name and len(removed) < len(found):  # others were retried meanwhile: they stay as they are
        keep(visit.app, name, [job for job in found if job.id in removed])
    undo = f"failed/restore/{name}" if name and removed else ""
    return Changed(f"{jobs_are(len(removed))} removed.", undo)


def put_back(visit: Visit) -> str:
    return f"{jobs_are(len(restore(visit.app, visit.get('name'))))} failed again."


PARTS: list[Page | Action] = [
    Page("failed", show, "buoy_web/failed.html", "Failed", 30),
    Action("failed/retry", retry),
    Action("failed/remove", remove, "admin"),
    Action("failed/restore/{name}", put_back, "admin"),
]
