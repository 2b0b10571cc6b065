"""What ``buoy doctor`` finds."""

import time

from buoy import App
from buoy.plugins.operators import Finding, read_findings
from buoy.plugins.redis import RedisSteps

from ..page import Action, Page, Values, Visit
from ..readings import read_kept

MOST = 50
"""How many findings are shown."""
ORDER = ("wrong", "note", "ok")


def show(visit: Visit) -> Values:
    app = visit.app
    findings, at = app.run_steps(read_kept(app, "doctor", lambda: look(app)))
    return {"findings": findings, "at": at, "shown": MOST}


def look(app: App) -> RedisSteps[tuple[list[Finding], float]]:
    """Returns what is found, what is wrong first if not all of it can be shown; and when."""
    found = yield from read_findings(app)
    return (worst_first(found) if len(found) > MOST else found), time.time()


def worst_first(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda each: ORDER.index(each.state))


PARTS: list[Page | Action] = [Page("doctor", show, "buoy_web/doctor.html", "Doctor", 80)]
