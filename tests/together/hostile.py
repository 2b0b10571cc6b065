"""What somebody may have written into Redis: records that are wrong in each of their fields, names
that are none, texts that would act on a terminal, times beyond the calendar; good ones between."""

import json
from collections.abc import Iterator
from typing import Any

from buoy import App
from buoy.connection.client import RawArg, check_replies
from buoy.model.payload import FIELDS

Commands = Iterator[list[RawArg]]

NASTY = "a\x1b[31m\x9b1m\r\nFAKE LINE\0\u202e\u200b\u2028b"
"""Acts on terminals, and pretends to be two lines."""

DEEP: Any = json.loads("[" * 400 + "]" * 400)

WRONG: tuple[Any, ...] = (
    *(None, True, 5, -1, 1e300, 10**400, "", NASTY, "\ud800", "é" * 1000),
    *([], {}, [["a"]], [["a", "b"]], [[1, 2]], {"a": NASTY}, {"retry": 5}, DEEP),
)
"""Values that stand where others are meant."""

RETRY_RECORDS: tuple[Any, ...] = (
    *(5, [], {"history": 5}, {"history": [5, {}]}, {"snoozes": NASTY}),
    {"history": [dict.fromkeys(("attempt", "at", "error", "message", "worker", "wait"), NASTY)]},
    {"history": [{"attempt": 1, "at": 1e300, "error": NASTY, "message": NASTY}
                 | {"worker": NASTY, "wait": 10**400}]},
)  # fmt: skip

SCORES = ("0", "-1", "1.5", "1e300", "-1e300", "inf", "-inf", "1600000000000")

GOOD: dict[str, Any] = {"class": "shop.Good", "args": [1]}


def payloads() -> Iterator[bytes]:
    """Payloads that are wrong in one field each, and some that are none at all."""
    failure = {"error": NASTY, "message": NASTY, "traceback": NASTY, "worker": NASTY}
    whole = GOOD | {"id": "x", "failure": failure}
    for field in FIELDS:
        for value in WRONG:
            yield json.dumps(whole | {field: value}).encode()
    for field in ("error", "message", "cause", "traceback", "worker", "failed_at", "seconds"):
        for value in WRONG:
            yield json.dumps(whole | {"failure": failure | {field: value}}).encode()
    for record in RETRY_RECORDS:
        yield json.dumps(whole | {"attempt": 2, "plugins": {"retry": record}}).encode()
    yield from (
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{",
        b'{"class":"J","id":"a"} junk}',
        b"{" * 9999,
    )
    yield json.dumps({"raw": NASTY, "failure": failure}).encode()
    yield json.dumps({"raw": NASTY, "failure": {"seconds": float("nan")}}).encode()


def good(app: App, queue: str, place: str, id: str) -> None:
    """A job that is as it should be, whose id is that of its place."""
    payload = GOOD | {"id": id, "plugins": {"retry": {}}}
    if place == "delayed":
        payload["attempt"] = 2
    send(app, put(app, queue, place, id.encode(), json.dumps(payload).encode(), "1600000000000"))


def put(app: App, queue: str, place: str, id: bytes, payload: bytes, score: str) -> Commands:
    """What puts a job into a place of a queue."""
    key = app.key(queue, place)
    yield ["HSET", app.key(queue, "jobs"), id, payload]
    yield ["RPUSH", key, id] if place == "queued" else ["ZADD", key, score, id]


def send(app: App, commands: Commands) -> None:
    check_replies(app.broker.client.calls(list(commands)))


def bad_ones(app: App, queue: str, place: str) -> Commands:
    for number, payload in enumerate(payloads()):
        id = f"bad-{place}-{number}{NASTY}".encode()
        yield from put(app, queue, place, id, payload, SCORES[number % len(SCORES)])


def fill(app: App, queue: str = "mail") -> None:
    """A queue with all of that in each of its places."""
    app.command("SADD", app.global_key("queues"), queue)
    for place in ("queued", "delayed", "failed"):
        good(app, queue, place, f"first-{place}")
        send(app, bad_ones(app, queue, place))
        send(app, put(app, queue, place, b"\xff\xfe" + place.encode(), b"{}", "5"))
        good(app, queue, place, f"last-{place}")
    for number, token in enumerate((b"", b"x", b"\xff", b"1:2", b"1:w:3", NASTY.encode())):
        app.command("HSET", app.key(queue, "tokens"), f"run-{number}{NASTY}", token)
    claims = app.key(queue, "claims")
    app.command("HSET", claims, ">loner:a" + NASTY, "nobody", b">loner:\xff", b"\xff", "x", "y")
    for field in ("done", "rejected", "seen", "paused", "failed", "seq"):
        app.command("HSET", app.key(queue, "meta"), field, NASTY)


def fill_around(app: App) -> None:
    """Names, workers and what the other packages keep."""
    names: tuple[bytes, ...] = (b"\xff", b"a b", b"", NASTY.encode(), b"{x}", b"broken", b"good")
    app.command("SADD", app.global_key("queues"), *names)
    for part in ("queued", "jobs", "delayed", "failed", "claims", "meta", "leases", "tokens"):
        app.command("SET", app.key("broken", part), "of a wrong type")
    for place in ("queued", "delayed", "failed"):
        good(app, "good", place, f"good-{place}")
    card: dict[str, Any] = {"host": "h", "pid": 1, "queues": "q", "executor": "fork", "slots": 1}
    card |= {"state": "running", "started_at": 1.0, "command": "stop 1"}
    for field in card:
        for number, value in enumerate((NASTY, "", "nan", "1e300", b"\xff")):
            worker(app, f"w-{field}-{number}".encode(), card | {field: value})
    worker(app, NASTY.encode(), card)
    worker(app, b"\xff\xfe", card)
    worker(app, b"gone" + NASTY.encode(), {})
    worker(app, b"fine", card)
    app.command("SET", app.global_key("worker", "typed"), "no hash")
    app.command("ZADD", app.global_key("workers"), "inf", "typed", "-inf", "ages-ago")
    schedule = app.global_key("scheduler")
    odd: tuple[Any, ...] = (NASTY, "{}", "[]", "5", b"\xff", json.dumps({"every": NASTY}))
    for number, value in enumerate(odd):
        app.command("HSET", schedule, f"entry:e{number}{NASTY}", value)
        app.command("HSET", schedule, f"start:e{number}{NASTY}", value)
    app.command("HSET", schedule, "polled_at", NASTY, "version", NASTY, NASTY, NASTY)
    marks = app.global_key("mailer", "failures-reported")
    for to in ("ops@example.com ", "ops@example.com mail"):
        app.command("HSET", marks, to, json.dumps({"mail": 5, "good": {"at": NASTY}}))


def worker(app: App, id: bytes, card: dict[str, Any]) -> None:
    key = app.global_key("worker", "").encode() + id
    for field, value in card.items():
        app.command("HSET", key, field, value)
    app.command("ZADD", app.global_key("workers"), 1_600_000_000_000, id)


def snapshot(app: App) -> dict[bytes, Any]:
    """All that there is, to see whether anything was touched."""
    keys = sorted(app.command("KEYS", "*"))
    return {key: content(app, key) for key in keys}


def content(app: App, key: bytes) -> Any:
    """Returns what a key holds. Redis may change the order of a hash or set that is only read."""
    match app.command("TYPE", key):
        case b"hash":
            flat = app.command("HGETALL", key)
            return dict(zip(flat[::2], flat[1::2], strict=True))
        case b"set":
            return set(app.command("SMEMBERS", key))
        case _:
            return app.command("DUMP", key)
