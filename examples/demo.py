"""The shop at work, on a Redis of its own: `make demo`, or `python examples/demo.py`.

Orders are placed, confirmed by mail, charged and packed; a worker is killed; what failed is put
back; and in the end it is counted what has become of everything.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

try:
    from backstage import EXAMPLES, Crew, Stage, Watched, backstage, without_signals
    from display import Lines, bar, display
    from shop import database
    from shop.checkout import pay, place, receipt
    from shop.gateway import Gateway
    from shop.journal import label
    from shop.mailserver import MailServer
    from shop.orders import Order, read_orders
    from stock import Events, summary, what_is_wrong

    from buoy import BuoyError, Job
    from buoy.embedded.server import Server
    from buoy.operations.failed_set import Filter, find, retry
except KeyboardInterrupt:  # nothing has been started yet
    sys.exit(130)

ORDERS = EXAMPLES / "shop" / "orders.csv"
MODULES = "shop.jobs,shop.mails,shop.reports"
QUEUES = "packing,mail,reports,purchasing"
"""In strict order: what is charged gets packed before more is charged."""
SLOTS = 4
LEASE = 2.0
"""Seconds after which others take what a dead worker held. In real life: 30, the default."""
PATIENCE = 60.0
ROUNDS = 5


class Stuck(BuoyError):
    """What must happen did not."""


class Demo:
    """The plot."""

    def __init__(self, stack: Stage, screen: Lines) -> None:
        self.stack, self.screen = stack, screen
        self.orders: list[Order] = []
        self.events = Events()
        self.started = time.monotonic()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="buoy-demo-")))
        server = stack.enter_context(Server(appendonly=True))
        with without_signals():
            self.gateway = stack.enter_context(Gateway())
            self.post = stack.enter_context(MailServer())
        # The workers read from the environment where everything is, as those of a real shop do.
        os.environ.update(BUOY_URL=server.url, BUOY_LEASE=str(LEASE), BUOY_INLINE="0")
        os.environ.update(SHOP_DATABASE=str(folder / "shop.db"), SHOP_GATEWAY=self.gateway.url)
        os.environ.update(BUOY_MAIL_URL=self.post.url, BUOY_MAIL_DELIVERIES="1", BUOY_ENV="demo")
        os.environ.update(PYTHONIOENCODING="utf-8")
        self.out = stack.enter_context((folder / "out").open("a", encoding="utf-8"))
        self.log = stack.enter_context((folder / "log").open("a+", encoding="utf-8"))
        self.heard = stack.enter_context((folder / "out").open(encoding="utf-8"))
        self.crew = stack.enter_context(Crew())
        self.monitor = Job.app.monitor

    def play(self) -> int:
        self.open_shop()
        self.kill_a_worker()
        self.replay_failures()
        return self.take_stock()

    # The four acts

    def open_shop(self) -> None:
        database.create()
        for order in read_orders(ORDERS):
            self.stack.check()
            self.serve(order)
        self.say(f"{len(self.orders)} orders are placed; each is to be confirmed, charged, packed")
        self.say(f"{self.events.dropped} more are rolled back: no job of theirs is to run")
        self.say(f"{self.events.doubles} customers click twice: one charge each is under way")
        first, second = self.start_worker(), self.start_worker()
        self.say(f"workers {first.pid} and {second.pid} start, with {SLOTS} slots each")
        self.scheduler = self.start("scheduler", "-a", "shop.reports")
        self.say(f"scheduler {self.scheduler.pid} starts: a report every 2 seconds")
        order = self.orders[1]  # the gateway hangs up on the first one
        self.wait_until(lambda: receipt(order.id) is not None, "a receipt")
        self.say(f"the web tells {order.customer}: paid, receipt {receipt(order.id)}")

    def serve(self, order: Order) -> None:
        """A customer: some think twice, and some click twice."""
        with database.transaction() as session:
            place(session, order)
            if order.id % 10 == 0:
                session.rollback()
                self.events.dropped += 1
                return
        self.orders.append(order)
        if order.id % 7 == 0 and pay(order.id).state == "exists":
            self.events.doubles += 1

    def kill_a_worker(self) -> None:
        victim = self.crew.members[0]

        def in_the_middle() -> bool:
            begun = set(database.column(database.runs.c.job_id))
            busy = len(begun.intersection(self.in_hand(victim))) > 1
            return busy and database.count(database.charges) >= len(self.orders) // 3

        self.wait_until(in_the_middle, "that a worker is in the middle of its work")
        self.crew.members.remove(victim)
        victim.kill()
        held = self.in_hand(victim)
        names = ", ".join(map(self.label, held))
        self.say(f"worker {victim.pid} is killed by kill -9, holding {names}")
        self.say(f"worker {self.start_worker().pid} takes its place")
        self.wait_until(lambda: not any(map(self.is_open, held)), "what the dead worker held")
        self.events.held = len(held)
        self.say(f"all {len(held)} jobs of the dead worker have been run by the others")

    def replay_failures(self) -> None:
        self.wait_until(self.is_quiet, "the end of all jobs")
        for _ in range(ROUNDS):
            failures = list(find(self.monitor, Filter()))
            if not failures:
                break
            self.events.failed += len(failures)
            self.say(f"{len(failures)} failed for good: retried, as by `buoy failed retry --all`")
            answers = retry(Job.app.control, failures)
            self.events.replayed += Counter(answers.values())["queued"]
            self.wait_until(self.is_quiet, "the end of the retried jobs")

    def take_stock(self) -> int:
        self.crew.members.remove(self.scheduler)
        self.scheduler.end()
        self.wait_until(self.is_quiet, "the end of the last report")
        self.events.seconds = time.monotonic() - self.started
        self.screen.close()
        self.screen.say()
        for line in summary(Job.app, self.gateway, self.post, self.events):
            self.screen.say(line)
        self.screen.say()
        wrong = list(what_is_wrong(Job.app, self.gateway, self.post, self.orders))
        for line in wrong:
            self.screen.say(f"WRONG: {line}")
        if not wrong:
            self.screen.say("Nothing was lost, and nothing was charged or mailed twice.")
        return 1 if wrong else 0

    # What is going on

    def in_hand(self, worker: Watched) -> list[str]:
        views = [view for view in self.monitor.workers() if view.pid == worker.pid]
        return sorted(id for view in views for id in view.running)

    def label(self, id: str) -> str:
        view = Job.app.find(id)
        return label(view.name or "", view.args) if view else id

    def is_open(self, id: str) -> bool:
        view = Job.app.find(id)
        return view is not None and view.state != "failed"

    def is_quiet(self) -> bool:
        """Whether each order is packed, or lies among the failed, and no job is under way."""
        packed, queues = database.count(database.papers), self.monitor.queues()
        under_way = sum(queue.queued + queue.delayed + queue.running for queue in queues)
        failed = sum(queue.failed for queue in queues)
        return packed + failed >= len(self.orders) and under_way == 0

    # Telling, and waiting

    def start_worker(self) -> Watched:
        arguments = ["-a", MODULES, "-q", QUEUES, "-c", str(SLOTS)]
        return self.start("worker", *arguments, "--grace", "1", "--quiet")

    def start(self, *arguments: str) -> Watched:
        process = Watched(*arguments, out=self.out, log=self.log)
        self.crew.members.append(process)
        return process

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.stack.check()
            self.report()
            if not all(process.is_alive() for process in self.crew.members):
                raise self.stuck("a worker has ended by itself")
            if time.monotonic() > deadline:
                raise self.stuck(f"waited {PATIENCE:g} s for {what}, in vain")
            time.sleep(0.05)
        self.stack.check()
        self.report()

    def stuck(self, why: str) -> Stuck:
        self.log.seek(0)
        tail = "".join(self.log.readlines()[-10:])
        return Stuck(f"{why}. The workers' log ends with:\n{tail}".rstrip())

    def report(self) -> None:
        while line := self.heard.readline():
            self.screen.tell(self.timed(line.rstrip("\n")))
        queues = self.monitor.queues()
        states = {
            "queued": sum(queue.queued for queue in queues),
            "running": sum(queue.running for queue in queues),
            "to be retried": sum(queue.delayed for queue in queues),
            "failed": sum(queue.failed for queue in queues),
        }
        whole = len(self.orders)
        self.screen.stand(
            [
                "",
                f"mailed   {bar(len(self.post.received), whole)}",
                f"charged  {bar(database.count(database.charges), whole)}",
                f"packed   {bar(database.count(database.papers), whole)}",
                "jobs     " + ", ".join(f"{count} {state}" for state, count in states.items()),
                "",
            ]
        )

    def say(self, text: str) -> None:
        self.screen.say(self.timed(text))

    def timed(self, text: str) -> str:
        return f"{time.monotonic() - self.started:5.1f} s  {text}"


def main() -> int:
    screen = display()
    try:
        with backstage() as stack:
            code = Demo(stack, screen).play()
            stack.check()
            return code
    except KeyboardInterrupt:
        screen.close()
        print("demo: interrupted; all that it had started has ended", file=sys.stderr)
        return 130
    except BuoyError as error:
        screen.close()
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
