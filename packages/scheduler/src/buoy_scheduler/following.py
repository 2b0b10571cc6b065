"""Which entries a daemon follows, and how far it is with each."""

from collections.abc import Iterable, Mapping

from buoy import App, BrokerError, ConfigurationError
from buoy.plugins import Log

from .care import Care, by_queue, grouped
from .course import Course
from .entry import Entry
from .firing import Target, target_of
from .schedule import Schedule
from .store import Kept, Store

log = Log("buoy.scheduler")

Verdict = Target | ConfigurationError
"""Where an entry leads, or why it is left out."""


class Following:
    """The courses of entries, from the schedule that was read last."""

    def __init__(self, app: App) -> None:
        self.courses: dict[str, Course] = {}
        self.waiting: dict[str, tuple[Entry, Target]] = {}
        """Entries of which is not known yet from where on they fire."""
        self.verdicts: dict[str, tuple[Entry, Verdict]] = {}
        self.kept = Kept()
        self.off: set[str] = set()
        """Entries that are switched off, and are known in Redis to be so."""
        self.cut_off: set[str] = set()
        self.care = Care(app)

    # The schedule

    def follow(self, schedule: Schedule, kept: Kept) -> None:
        """Keep to the courses of entries that are as they were; others must begin. What must be
        left out is added to the errors of the schedule."""
        courses, self.courses, self.waiting = self.courses, {}, {}
        verdicts, self.verdicts, self.kept = self.verdicts, {}, kept
        for name, entry in schedule.entries.items():
            known = verdicts.get(name)
            target = known[1] if known and known[0] == entry else judged(entry)
            self.verdicts[name] = entry, target
            if isinstance(target, ConfigurationError):
                schedule.errors.append(target)
            elif entry.enabled:
                self.go_on_with(courses.get(name), entry, target)
        self.part(courses)

    def go_on_with(self, known: Course | None, entry: Entry, target: Target) -> None:
        if known is None or (known.entry, known.target) != (entry, target):
            self.waiting[entry.name] = (entry, target)
            return
        self.courses[entry.name] = known
        self.pace(known)

    def part(self, courses: Mapping[str, Course]) -> None:
        """Note of entries that were taken out, or switched off, that they begin anew some day."""
        leaving = [
            (name, course.target) for name, course in courses.items() if self.has_left(name, course)
        ]
        off = {name: target for name, (each, target) in self.verdicts.items() if not each.enabled}
        for name, target in off.items():
            if name not in self.off and isinstance(target, Target):
                leaving.append((name, target))
        self.off = set(off)
        if leaving:
            self.care.part(grouped(leaving))

    def has_left(self, name: str, course: Course) -> bool:
        """Whether an entry fires into its queue no more."""
        verdict = self.verdicts.get(name)
        if verdict is None:
            return True
        target = verdict[1]
        before = course.target
        return isinstance(target, Target) and target.together[:2] != before.together[:2]

    # Redis

    def restart(self, now: float) -> bool:
        """Let courses begin anew whose marks had to be taken back; whether there were any."""
        names = [course.entry.name for course in self.care.taken_back(self.courses.values(), now)]
        for name in names:
            del self.courses[name]
        return bool(names)

    def begin(self) -> None:
        """Learn from where on new entries fire."""
        self.care.note(target for _, target in self.waiting.values())
        for queue, group in grouped((pair, pair[1]) for pair in self.waiting.values()).items():
            since = self.since(*queue, [entry for entry, _ in group])
            for (entry, target), last in zip(group, since, strict=bool(since)):
                self.courses[entry.name] = course = Course(entry, target, last)
                course.paused = entry.name in self.kept.paused
                self.advance(course, self.kept.since.get(entry.name, 0))
                del self.waiting[entry.name]

    def touch(self, now: float, busy: bool) -> None:
        """Now and then, let Redis know which entries are followed, and forget others."""
        if self.care.is_due(now, busy):
            self.care.touched = now
            self.care.note(course.target for course in self.courses.values())
            self.catch_up(self.courses.values())
            self.care.sweep(now)

    def since(self, app: App, queue: str, entries: list[Entry]) -> list[int]:
        """For each entry the last tick that is dealt with; nothing when Redis does not answer."""
        try:
            found = Store(app).begin(queue, entries, self.kept.since)
        except BrokerError as error:
            if queue not in self.cut_off:
                log.warning("queue %r: %s; trying again", queue, error)
            self.cut_off.add(queue)
            return []
        self.cut_off.discard(queue)
        return found

    def pace(self, course: Course) -> None:
        """Heed pauses: what falls into one is not made up for."""
        paused = course.entry.name in self.kept.paused
        since = self.kept.since.get(course.entry.name, 0)
        if paused != course.paused or since > course.last:
            course.paused = paused
            self.advance(course, since)

    def advance(self, course: Course, last: int) -> None:
        """Go on; what cannot be told of one entry is no matter of the others."""
        try:
            course.go_on(last)
        except Exception:
            log.exception("%s: its next tick cannot be told; fires no more", course)
            course.next = None

    def catch_up(self, courses: Iterable[Course]) -> None:
        """See how far others have come meanwhile: for one who was frozen, or cut off."""
        for queue, group in by_queue(courses).items():
            since = self.since(*queue, [course.entry for course in group])
            for course, last in zip(group, since, strict=bool(since)):
                if last > course.last:
                    self.advance(course, last)


def judged(entry: Entry) -> Verdict:
    try:
        return target_of(entry)
    except ConfigurationError as error:
        return error
