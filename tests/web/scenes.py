"""What jobs hold in its worst form; and finding a job in each state."""

from buoy import App, Job
from buoy.testing import FakeWorker, drain

EVIL = "<script>alert(1)</script>\"'&\x00\x1b[31m\u202egnp.exe\r\n/../%2e?#;\\"
HIDDEN = ("<script>alert", "\x00", "\x1b", "\u202e")
"""What no page may have in it."""
DEEP: object = [EVIL]
for _ in range(90):
    DEEP = [DEEP]
STEPS = {"done": [EVIL] * 40, "step": EVIL, "cursor": {EVIL: [EVIL] * 40}, "crashes": 2, "kept": 9}
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3


class Hostile(Job):
    name = "x<script>alert(1)</script>\"'/../%"
    queue = "evil"
    tags = ("<script>alert(1)</script>", "a b\"'/%")

    def perform(self, *args: object, **kwargs: object) -> None:
        raise type("<script>alert(1)</script>\u202e", (Exception,), {})(EVIL)


def fill_hostile(app: App) -> None:
    """Fill an app with a hostile job in each state, and with names without end."""
    for _ in range(2):
        Hostile.enqueue(EVIL, 1e308, -(10**18), DEEP, **{EVIL: {EVIL: None}})
    drain(app, "evil")
    job = app.build(Hostile, EVIL, DEEP)
    job.plugin_data["steps"] = STEPS
    app.submit(job)
    Hostile.using(delay=60).enqueue(EVIL, **{EVIL: EVIL})
    Hostile.enqueue(1)
    FakeWorker(app, "evil").take()


def fill_long(app: App) -> None:
    """Add names and texts that are too long for any screen."""
    Hostile.using(queue=LONG[:200], id=LONG[:200], tags=[LONG[:60]]).enqueue(LONG, LONG)
    Hostile.using(queue=LONG[:120]).enqueue("\n" * 50)


def one_in_each_state(app: App) -> dict[str, str]:
    """Returns the id of a job by its state, for each state that some job is in."""
    found: dict[str, str] = {}
    for queue in app.monitor.queue_names():
        for view in [*app.monitor.peek(queue, 0, 1), *app.monitor.delayed(queue, 0, 1)]:
            found.setdefault(view.state, view.id)
        for view in app.monitor.jobs_in(queue, "failed", last_first=True):
            found.setdefault("failed", view.id)
            break
    for view in app.monitor.running_jobs():
        found.setdefault("running", view.id)
    return found
