"""The rows of buoy, and the limits that they are compared with."""

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec

from .subject import Promise, Subject

QUEUE = "bench"
APP = "benchmarks.apps.buoy_app"
ASYNC_APP = "benchmarks.apps.buoy_async"
BIG_APP = "benchmarks.apps.buoy_big"
AWAITING_APP = "benchmarks.apps.buoy_awaiting"
BARE_APP = "benchmarks.apps.bare_app"
PLUGINS_APP = "benchmarks.apps.buoy_plugins"
STEPS_APP = "benchmarks.apps.buoy_stepping"
CHECKPOINTS_APP = "benchmarks.apps.buoy_checkpoints"
SEALED_APP = "benchmarks.apps.buoy_sealed"
ROOMY_APP = "benchmarks.apps.buoy_roomy"
LINED_APP = "benchmarks.apps.buoy_lined"
FAIR_APP = "benchmarks.apps.buoy_fair"
FOLLOWING_APP = "benchmarks.apps.buoy_following"
BATCHED_APP = "benchmarks.apps.buoy_batched"
RANKED_APP = "benchmarks.apps.buoy_ranked"
WORKER = "buoy worker --quiet -a {app} -q bench"


def buoy(
    name: str,
    executor: str,
    rate: float,
    *,
    app: str = APP,
    slots: int = 1,
    forks: bool = False,
    compared: bool = True,
    environ: Mapping[str, str] | None = None,
) -> Subject:
    """Returns a row of buoy."""
    return Subject(
        name=f"buoy {name}",
        kind="buoy",
        system="buoy",
        app=app,
        worker=f"{WORKER} --executor {executor} -c {{slots}}",
        slots=slots,
        forks=forks,
        compared=compared,
        promise="at least once",
        rate=rate,
        bulk=True,
        environ=environ or {},
    )


def bare(
    name: str,
    worker: str,
    rate: float,
    *,
    app: str = APP,
    forks: bool = False,
    promise: Promise = "at least once",
) -> Subject:
    """Returns the row of a limit: a program that does only the necessary work."""
    return Subject(
        name=f"bare {name}",
        kind="limit",
        system="buoy",
        app=app,
        worker=f"python -m benchmarks.limits.{worker}",
        forks=forks,
        promise=promise,
        rate=rate,
    )


INLINE = buoy("inline", "inline", 40_000)
THREAD = buoy("thread", "thread", 15_000, slots=10)
ASYNC = buoy("async", "async", 15_000, slots=10, app=ASYNC_APP)
FORK = buoy("fork", "fork", 700, forks=True)
BIG_FORK = buoy("fork, 150 MB app", "fork", 200, app=BIG_APP, forks=True, compared=False)
PLUGINS = buoy("inline, three plugins", "inline", 15_000, app=PLUGINS_APP, compared=False)
"""Retry, Status and Loner."""
STEPS = buoy("inline, one step", "inline", 15_000, app=STEPS_APP, compared=False)
"""Steps: what declaring it costs a job that keeps nothing."""
CHECKPOINTS = buoy("inline, two checkpoints", "inline", 6_000, app=CHECKPOINTS_APP, compared=False)
"""Steps: three steps, so that the progress is kept twice."""
SEALED = buoy("inline, sealed", "inline", 15_000, app=SEALED_APP, compared=False)
"""Its arguments are encrypted by buoy-sealed."""
ROOMY = buoy("inline, limit with room", "inline", 10_000, app=ROOMY_APP, compared=False)
LINED = buoy("inline, limit in line", "inline", 6_000, app=LINED_APP, compared=False)
FAIR = buoy("inline, fair turns", "inline", 6_000, app=FAIR_APP, compared=False)
"""Limit and Fair: what a job costs that no limit keeps back, and one that waits in line."""
FOLLOWED = buoy("inline, followed", "inline", 7_000, app=FOLLOWING_APP, compared=False)
"""Each is followed by another job, which is enqueued if and only if it ends well."""
BATCHED = buoy("inline, in a batch", "inline", 10_000, app=BATCHED_APP, compared=False)
"""Each is a member of one batch, which counts its end."""


def ranked(name: str, rate: float, priority: str) -> Subject:
    """Returns a row of jobs with this priority, or with "all"."""
    given = {"BENCH_PRIORITY": priority}
    return buoy(name, "inline", rate, app=RANKED_APP, compared=False, environ=given)


RANKED = ranked("inline, three priorities", 10_000, "all")
"""A third of the jobs has each priority; those of INLINE have none, as in most queues."""

LOOP = bare("loop, buoy's script", "loop buoy", 70_000)
LEAST = bare("loop, least script", "loop least", 100_000)
FORK_LOOP = bare("fork", "fork_loop 0", 1_000, forks=True)
BIG_FORK_LOOP = bare("fork, 150 MB parent", "fork_loop 150", 250, forks=True)
POP = bare("blocking pop", "pop", 10_000, app=BARE_APP, promise="at most once")

ENQUEUE = buoy("enqueue", "inline", 10_000)
ENQUEUE_SEALED = buoy("enqueue, sealed", "inline", 8_000, app=SEALED_APP, compared=False)
AENQUEUE = buoy("aenqueue", "inline", 6_000, app=AWAITING_APP, compared=False)
"""The same jobs, by a coroutine, one after the other."""
ENQUEUE_MEMBER = buoy("enqueue, in a batch", "inline", 5_000, app=BATCHED_APP, compared=False)
"""The same jobs, as members of one batch."""
ENQUEUE_HIGH = ranked("enqueue, high priority", 6_000, "high")
ENQUEUE_LOW = ranked("enqueue, low priority", 6_000, "low")
RANKED_ENQUEUES = (ENQUEUE_HIGH, ENQUEUE_LOW)
PUSH = bare("RPUSH", "pop", 30_000, app=BARE_APP, promise="")

EXECUTORS = (INLINE, THREAD, ASYNC, FORK)
ABREAST = (THREAD, ASYNC, FORK)
"""The executors that can run several jobs at once."""


def drained() -> list[Subject]:
    """Returns the rows that drain empty jobs; those with plugins only if these are installed."""
    needed: dict[Subject, tuple[str, ...]] = {
        PLUGINS: ("retry", "status", "loner"),
        STEPS: ("steps",),
        CHECKPOINTS: ("steps",),
        SEALED: ("sealed",),
        BATCHED: ("batch",),
    }
    needed |= dict.fromkeys((ROOMY, LINED, FAIR), ("limits",))
    plugins = [row for row, names in needed.items() if all(map(is_installed, names))]
    return [*EXECUTORS, BIG_FORK, FOLLOWED, RANKED, *plugins]


def enqueued() -> list[Subject]:
    """Returns the rows that enqueue one job a call; those with a plugin only if it is installed."""
    sealed = [ENQUEUE_SEALED] if is_installed("sealed") else []
    return [ENQUEUE, AENQUEUE, *RANKED_ENQUEUES, *members(), *sealed]


def members() -> list[Subject]:
    """Returns the row that enqueues members of a batch, if buoy-batch is installed."""
    return [ENQUEUE_MEMBER] if is_installed("batch") else []


def is_installed(plugin: str) -> bool:
    return find_spec(f"buoy_{plugin}") is not None


def serving(subject: Subject, queues: int) -> Subject:
    """Returns the row of a worker with so many queues: bench0, bench1, ..."""
    if queues == 1:
        return subject
    names = ",".join(f"{QUEUE}{n}" for n in range(queues))
    return replace(subject, worker=subject.worker.replace(f"-q {QUEUE}", f"-q {names}"))
