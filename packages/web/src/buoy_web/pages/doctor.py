"""What ``buoy doctor`` finds."""

import time

from buoy import App
from buoy.plugins.operators import Finding, read_findings
from buoy.plugins.redis import RedisSteps

from ..page import Action, Page, Values, Visit
from ..readings import read_kept

MOST = 50
"""How many findings are shown."""


def show(visit: Visit) -> Values:
    app = visit.app
    findings, at = app.run_steps(read_kept(app, "doctor", lambda: look(app)))
    return {"findings": findings, "at": at, "shown": MOST}


def look(app: App) -> RedisSteps[tuple[list[Finding], float]]:
    """Returns what is found, what is wrong first if not all of it can be shown; and when."""
    found = yield from read_findings(app)
    if len(found) > MOST:  # wrong, note, fine: that is the order of the alphabet read backwards
        found.sort(key=lambda each: each.state, reverse=True)
    return found, time.time()


PARTS: list[Page | Action] = [Page("doctor", show, "buoy_web/doctor.html", "Doctor", 80)]
