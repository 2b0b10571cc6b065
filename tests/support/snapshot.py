"""All that lies in a queue at one moment, and what must be true of it."""

from collections import Counter
from dataclasses import dataclass, field

from buoy.model.transition import CommandArg
from tests.support.world import World, decoded, pairs


@dataclass
class Snapshot:
    """All that lies in the queue."""

    queued: list[str]
    jobs: dict[str, str]
    leases: dict[str, float]
    tokens: dict[str, str]
    delayed: dict[str, float]
    failed: dict[str, float]
    claims: dict[str, str]
    crashes: dict[str, str]
    ended: dict[str, float]
    due: dict[str, float]
    meta: dict[str, str]
    wakeup: list[str]
    blocked: dict[str, float]
    lines: list[str]
    now: float = field(default=0.0)

    def place(self, id: str) -> list[str]:
        """Where a job lies: a list of one, if all is well."""
        places = {
            "running": self.leases,
            "delayed": self.delayed,
            "failed": self.failed,
            "blocked": self.blocked,
        }
        found = [name for name, there in places.items() if id in there]
        return found + ["queued"] * self.queued.count(id)


def snapshot(world: World) -> Snapshot:
    lists: list[list[CommandArg]] = [
        ["LRANGE", world.key(part), 0, -1] for part in ("queued", "wakeup")
    ]
    parts = ("jobs", "tokens", "claims", "crashes", "meta")
    hashes: list[list[CommandArg]] = [["HGETALL", world.key(part)] for part in parts]
    zsets: list[list[CommandArg]] = [
        ["ZRANGE", world.key(part), 0, -1, "WITHSCORES"]
        for part in ("leases", "delayed", "failed", "ended", "due", "blocked", "lines", "ranked")
    ]
    found = world.broker.client.calls([*lists, *hashes, *zsets, ["TIME"]])
    queued, wakeup = map(decoded, found[:2])
    jobs, tokens, claims, crashes, meta = map(pairs, found[2:7])
    scores = [{id: float(score) for id, score in pairs(each).items()} for each in found[7:15]]
    leases, delayed, failed, ended, due, blocked, lines, ranked = scores
    seconds, micros = map(int, found[15])
    now = seconds * 1000 + micros // 1000 + world.broker.clock_offset_ms
    high = [id for id, score in ranked.items() if score < 0]
    return Snapshot(
        [*high, *queued, *list(ranked)[len(high) :]],
        jobs,
        leases,
        tokens,
        delayed,
        failed,
        claims,
        crashes,
        ended,
        due,
        meta,
        wakeup,
        blocked,
        list(lines),
        now,
    )


def claim_lines(text: str) -> set[str]:
    """The claims of a job, without what each is held until."""
    return {line[1:] for line in text.split("\n")}


def check_whole(world: World) -> Snapshot:
    """Every job is in exactly one place, and claims belong to jobs that live."""
    seen = snapshot(world)
    places = Counter([*seen.queued, *seen.leases, *seen.delayed, *seen.failed, *seen.blocked])
    assert places == Counter(list(seen.jobs))
    assert set(seen.tokens) == set(seen.leases)
    assert set(seen.crashes) <= set(seen.jobs)
    assert set(seen.due) <= {*seen.queued, *seen.leases}
    living = set(seen.jobs) - set(seen.failed)
    listed = {key[1:]: claim_lines(text) for key, text in seen.claims.items() if key[0] == "<"}
    assert set(listed) <= living
    for key, id in seen.claims.items():
        assert key[0] in "<?#" or key[1:] in listed[id]
    check_permits(seen)
    assert not set(seen.ended) & set(seen.jobs)
    assert len(seen.wakeup) <= 1
    return seen


def needs_in(seen: Snapshot) -> dict[str, list[tuple[str, bool, str]]]:
    """The permits that jobs need: "f" or "s", whether the job holds it, and its key."""
    texts = {key[1:]: text for key, text in seen.claims.items() if key[0] == "?"}
    return {
        id: [
            (line[0], line[1] == "+", line.partition(" ")[2])
            for line in text.splitlines()
            if line[0] in "fs"
        ]
        for id, text in texts.items()
    }


def check_permits(seen: Snapshot) -> None:
    """Each permit that is taken has a holder, which is queued or runs; who is blocked stands in one
    line, and holds none."""
    needs = needs_in(seen)
    assert set(needs) <= set(seen.jobs) - set(seen.failed)
    held = Counter(key for some in needs.values() for _, holds, key in some if holds)
    counted = {key[1:]: int(text.split()[0]) for key, text in seen.claims.items() if key[0] == "#"}
    assert counted == held
    holders = {id for id, some in needs.items() if any(holds for _, holds, _ in some)}
    assert holders <= {*seen.queued, *seen.leases}
    assert sorted(line.split("\n", 2)[2] for line in seen.lines) == sorted(seen.blocked)
    for id in seen.blocked:
        assert any(line.endswith(f"\n{id}") for line in seen.lines)
