import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis import exceptions

from buoy.broker.scripts import Script, run_scripts, script
from buoy.connection.client import single_reply
from buoy.connection.cluster import ClusterClient
from buoy.connection.connect import connect
from buoy.connection.redis_errors import SlotMoved, error_of_reply, no_reply_error
from buoy.connection.server import ServerClient, socket_of
from buoy.connection.topology import first_key, slot_of
from buoy.embedded.server import Server
from buoy.errors import BrokerError, ConfigurationError, RedisFull, Unavailable, WrongType
from buoy.settings import Settings
from buoy.text.urls import SPECIAL, masked
from tests.support.processes import wait_until
from tests.support.proxy import Proxy


@pytest.fixture
def client(buoy_server: Server) -> ServerClient:
    client = ServerClient(buoy_server.url)
    client.call("FLUSHALL")
    return client


def in_time(client: ServerClient, *words: str) -> Any:
    """A reply. A busy machine may take too long for one: then asks again."""

    def ask() -> list[Any]:
        with suppress(Unavailable):
            return [client.call(*words)]
        return []

    return wait_until(ask)[0]


NO_NUMBER = "expected the number of a database behind the host"
NO_NAME = "expected the name of the service behind the hosts"
NONE_HERE = "expected no options behind ?"
NO_OPTION = "there is no such option behind ?, or not with such a value"
FORMS = [
    "redis://u:{}@h/0",
    "rediss://:{}@h:6379",
    "unix://u:{}@/run/redis",
    "unix:///run/redis?password={}",
    "redis://h/0?db=1&password={}&x=1",
    "redis+sentinel://u:{}@h:2,i:2/shop",
    "redis+cluster://u:{0}@h:2,u:{0}@i:2",
    "smtp://u:{}@h:25",
]
"""Where passwords stand in URLs."""

ONE_NODE = "name one node, which tells of the others: redis+cluster://HOST:PORT"


class TestUrl:
    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("redis://127.0.0.1:6379/0", ServerClient),
            ("rediss://user:word@example.com/1", ServerClient),
            ("unix:///run/redis.sock?db=2", ServerClient),
            ("redis+cluster://user:word@127.0.0.1:7000", ClusterClient),
            ("redis+cluster://127.0.0.1:7000,[::1]:7001,example.com/0", ClusterClient),
            ("rediss+cluster://:a%40b@example.com:7000?ssl_cert_reqs=none", ClusterClient),
        ],
    )
    def test_a_url_says_what_to_connect_to(self, url: str, kind: type) -> None:
        assert type(connect(url)) is kind

    @pytest.mark.parametrize("url", ["http://example.com", "127.0.0.1:6379", ""])
    def test_an_unknown_scheme_of_a_url_is_refused(self, url: str) -> None:
        message = (
            "BUOY_URL: expected a URL that starts with redis://, rediss://, unix://, "
            f"redis+sentinel://, redis+cluster:// or embedded://, got {url!r}"
        )
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            connect(url)

    @pytest.mark.parametrize(
        ("url", "shown", "reason"),
        [
            ("redis://user:secret@example.com:port/0", "(hidden)", SPECIAL),
            ("redis://:secret", "(hidden)", SPECIAL),
            ("redis://h:port", "(hidden)", SPECIAL),
            ("redis://:pa/ss:wo@rd@h", "(hidden)", SPECIAL),
            ("redis://u:12/34@h", "(hidden)", SPECIAL),
            ("redis://u:12#34@h", "(hidden)", SPECIAL),
            ("redis://u:12?34@h", "(hidden)", SPECIAL),
            ("redis://[u:12@h", "(hidden)", SPECIAL),
            ("redis+sentinel://:pa/ss@h/shop", "(hidden)", SPECIAL),
            ("redis+cluster://u:one@h:1,u:two@i:port", "(hidden)", SPECIAL),
            ("unix://:p:a/s@s@/run/redis", "(hidden)", SPECIAL),
            ("redis://h/shop", "redis://h/shop", NO_NUMBER),
            ("redis+sentinel://", "redis+sentinel://", NO_NAME),
            ("redis+sentinel://h/shop?ssl=1", "redis+sentinel://h/shop?ssl=***", NONE_HERE),
            ("redis+cluster://", "redis+cluster://", ONE_NODE),
            ("redis+cluster://h:1,,i:2", "redis+cluster://h:1,,i:2", ONE_NODE),
            ("redis+cluster://h:1,i:2/3", "redis+cluster://h:1,i:2/3",
             "a cluster has no databases: expected nothing behind the hosts"),
            ("rediss://:secret@h/0?colour=blue", "rediss://:***@h/0?colour=***", NO_OPTION),
            ("rediss://h/0?ssl_cert_reqs=secret", "rediss://h/0?ssl_cert_reqs=***", NO_OPTION),
            ("redis://h:1/0?password=secret&foo=1", "redis://h:1/0?***", NO_OPTION),
            ("redis://h:1/0?password=sec&ret=1", "redis://h:1/0?***", NO_OPTION),
            ("redis://h/0?socket_timeout=secret", "redis://h/0?socket_timeout=***", SPECIAL),
        ],
    )  # fmt: skip
    def test_errors_about_a_url_show_no_password(self, url: str, shown: str, reason: str) -> None:
        with pytest.raises(ConfigurationError) as raised:
            connect(url)

        assert str(raised.value) == f"BUOY_URL: expected a Redis URL, got {shown!r} ({reason})"

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("redis://u:p@h:1/0", "redis://u:***@h:1/0"),
            ("redis://u:p@ss:w@h:1/0", "redis://u:***@h:1/0"),
            ("redis://u:p%2F%C3%BC@h/0", "redis://u:***@h/0"),
            ("redis://token@h/0", "redis://***@h/0"),
            ("redis://h:1/0", "redis://h:1/0"),
            ("unix:///run/redis?password=s3cret@x", "unix:///run/redis?***"),
            ("unix:///run/redis?db=2&client_name=a", "unix:///run/redis?db=***&client_name=***"),
            ("redis+sentinel://u:p@h:1,i:2/shop/0", "redis+sentinel://u:***@h:1,i:2/shop/0"),
            ("redis+cluster://u:one@h:1,u:two@i:2", "redis+cluster://u:***@i:2"),
            ("rediz://:secret@h", "rediz://:***@h"),
            ("redis:secret", "(hidden)"),
            ("u:secret@h:1", "(hidden)"),
            ("secret", "(hidden)"),
        ],
    )
    def test_a_url_is_shown_without_its_password(self, url: str, shown: str) -> None:
        assert masked(url) == shown

    def test_settings_show_no_password(self) -> None:
        assert "secret" not in repr(Settings(url="redis://u:secret@h/0"))

    @example("=@", "?", "redis+cluster://u:{0}@h:2,u:{0}@i:2")
    @given(st.text(), st.sampled_from("@:/?#&=%[],\n"), st.sampled_from(FORMS))
    def test_whatever_a_password_holds_it_is_never_shown(
        self, some: str, special: str, form: str
    ) -> None:
        url = form.format(f"51{some}{special}73")
        assert "51" not in masked(url)
        assert "73" not in masked(url)


class TestServerClient:
    def test_replies_are_as_redis_sends_them(self, client: ServerClient) -> None:
        client.call("HSET", "hash", "field", b"\xff")

        assert client.call("HGETALL", "hash") == [b"field", b"\xff"]
        assert client.call("GET", "none") is None
        assert client.call("SET", "key", 1.5) == b"OK"

    def test_what_is_no_utf_8_goes_back_as_it_came(self, client: ServerClient) -> None:
        client.call("SET", b"k\xff", "1")

        assert client.calls([["GET", "k\udcff"], ["SET", "k", "v\udcff"]]) == [b"1", b"OK"]
        assert client.call("GET", "k") == b"v\xff"
        with pytest.raises(UnicodeEncodeError):
            client.call("GET", "\ud800")

    def test_a_refused_command_has_its_error_in_place_of_a_reply(
        self, client: ServerClient
    ) -> None:
        one, two, three = client.calls([["SET", "a", 1], ["LPUSH", "a", 1], ["GET", "a"]])

        assert (one, three) == (b"OK", b"1")
        assert type(two) is WrongType
        assert str(two) == (
            "Redis refused: WRONGTYPE Operation against a key holding the wrong kind of value"
        )

    def test_each_thread_has_a_connection_of_its_own(self, client: ServerClient) -> None:
        ids = [client.call("CLIENT", "ID")]
        thread = threading.Thread(target=lambda: ids.append(client.call("CLIENT", "ID")))
        thread.start()
        thread.join()

        assert len(set(ids)) == 2
        assert client.call("CLIENT", "ID") == ids[0]

    def test_a_connection_that_the_server_has_closed_is_replaced(
        self, client: ServerClient
    ) -> None:
        first = client.call("CLIENT", "ID")
        other = ServerClient(client.url)
        other.call("CLIENT", "KILL", "ID", first)

        assert client.call("CLIENT", "ID") > first

    def test_the_socket_of_a_connection_is_the_one_to_the_server(
        self, client: ServerClient, buoy_server: Server
    ) -> None:
        sock = socket_of(client.connection())

        assert sock.getpeername() == urlsplit(buoy_server.url).path
        sock.sendall(b"PING\r\n")
        assert sock.recv(100) == b"+PONG\r\n"

    def test_connections_may_be_lost_without_end(self, client: ServerClient) -> None:
        for _ in range(300):
            client.close()
            assert client.call("PING") == b"PONG"

    def test_an_interrupted_call_does_not_leave_its_answer_to_the_next(
        self, buoy_server: Server, proxy: Proxy
    ) -> None:
        client = ServerClient(proxy.url, socket_timeout=0.2)
        in_time(client, "SET", "key", "value")
        proxy.freeze()
        with pytest.raises(Unavailable):
            client.call("GET", "key")
        proxy.resume()

        assert in_time(client, "PING") == b"PONG"

    def test_a_forked_child_has_a_connection_of_its_own(self, buoy_server: Server) -> None:
        code = (
            "import os, sys; from buoy.connection.server import ServerClient\n"
            "client = ServerClient(sys.argv[1]); ours = client.call('CLIENT', 'ID')\n"
            "if os.fork() == 0: os._exit(client.call('CLIENT', 'ID') == ours)\n"
            "assert os.wait()[1] == 0 and client.call('CLIENT', 'ID') == ours"
        )
        subprocess.run([sys.executable, "-c", code, buoy_server.url], check=True)


class TestErrors:
    def test_what_cannot_be_reached_was_not_sent(self) -> None:
        with pytest.raises(
            Unavailable, match=r"^Redis cannot be reached: .*No such file"
        ) as raised:
            ServerClient("unix:///nowhere/redis.sock").call("PING")

        assert not raised.value.sent

    def test_what_was_not_answered_may_have_been_executed(
        self, client: ServerClient, proxy: Proxy
    ) -> None:
        far = ServerClient(proxy.url)
        far.call("PING")
        proxy.cut(1, "after")

        with pytest.raises(Unavailable, match=r"^Redis did not answer: ") as raised:
            far.call("INCR", "count")

        assert raised.value.sent
        assert client.call("GET", "count") == b"1"
        assert far.call("INCR", "count") == 2

    def test_a_silence_ends(self, proxy: Proxy) -> None:
        far = ServerClient(proxy.url, socket_timeout=0.05)
        in_time(far, "PING")
        proxy.freeze()

        with pytest.raises(Unavailable, match=r"^Redis did not answer: Timeout") as raised:
            far.call("PING")

        assert raised.value.sent

    def test_a_wrong_password_is_not_worth_another_try(self, buoy_server: Server) -> None:
        with pytest.raises(BrokerError) as raised:
            ServerClient(f"unix://:wrong@{buoy_server.socket}").call("PING")

        assert not isinstance(raised.value, Unavailable)
        assert str(raised.value).startswith("Redis refuses the login: ")

    def test_a_missing_password_is_not_worth_another_try(self) -> None:
        with Server(args=("--requirepass", "secret")) as server:
            with pytest.raises(BrokerError) as raised:
                ServerClient(server.url).call("PING")
            assert not isinstance(raised.value, Unavailable)
            assert str(raised.value) == "Redis refuses the login: Authentication required"

            url = f"unix://:secret@{server.socket}"
            assert ServerClient(url).call("PING") == b"PONG"

    @pytest.mark.parametrize(
        ("text", "kind", "message"),
        [
            ("OOM command not allowed", RedisFull, "Redis is full: OOM command not allowed"),
            ("ERR Error running script: OOM command not allowed", RedisFull,
             "Redis is full: ERR Error running script: OOM command not allowed"),
            ("BUSY Redis is busy running a script", Unavailable,
             "Redis cannot do it now: BUSY Redis is busy running a script"),
            ("MISCONF Redis is configured to save", Unavailable,
             "Redis cannot do it now: MISCONF Redis is configured to save"),
            ("NOREPLICAS Not enough good replicas", Unavailable,
             "Redis cannot do it now: NOREPLICAS Not enough good replicas"),
            ("ERR unknown command", BrokerError, "Redis refused: ERR unknown command"),
            ("", BrokerError, "Redis refused: ResponseError"),
        ],
    )  # fmt: skip
    def test_a_refusal_says_whether_to_try_again(self, text: str, kind: type, message: str) -> None:
        error = error_of_reply(exceptions.ResponseError(text))

        assert (type(error), str(error)) == (kind, message)

    @pytest.mark.parametrize(
        "kind",
        [
            exceptions.ReadOnlyError,
            exceptions.ClusterDownError,
            exceptions.MasterDownError,
            exceptions.TryAgainError,
        ],
    )
    def test_what_passes_was_not_executed(self, kind: type[exceptions.ResponseError]) -> None:
        error = error_of_reply(kind("for now"))

        assert isinstance(error, Unavailable)
        assert not error.sent

    def test_while_redis_is_loading_nothing_was_executed(self) -> None:
        loading = no_reply_error(
            exceptions.BusyLoadingError("Redis is loading the dataset in memory")
        )
        crowded = no_reply_error(exceptions.ConnectionError("max number of clients reached"))

        for error in (loading, crowded):
            assert isinstance(error, Unavailable)
            assert not error.sent

    def test_a_single_server_that_is_a_cluster_is_told(self) -> None:
        error = error_of_reply(exceptions.MovedError("123 127.0.0.1:7001"))

        assert isinstance(error, SlotMoved)
        assert str(error) == (
            "Redis is a cluster, another node has this slot (123 127.0.0.1:7001): "
            "expected BUOY_URL to start with redis+cluster://"
        )


ADD = Script("add", "return ARGV[1] + #KEYS", "0" * 40)


class TestScripts:
    def test_a_script_is_sent_once(self, buoy_server: Server, proxy: Proxy) -> None:
        client = ServerClient(proxy.url)
        client.call("SCRIPT", "FLUSH")
        known = script("buoy.broker", "look")

        for _ in range(2):
            assert single_reply(run_scripts(client, [(known, ["q", "d", "m", "r"], [])])) == [0, -1]

        assert proxy.commands == ["SCRIPT", "EVALSHA", "EVAL", "EVALSHA"]

    def test_several_scripts_take_one_round_trip(self, client: ServerClient) -> None:
        assert run_scripts(client, [(ADD, ["k"], [1]), (ADD, [], [5])]) == [2, 5]

    def test_the_digest_is_that_of_the_text(self, client: ServerClient) -> None:
        for name in ("enqueue", "advance", "beat", "find", "retry", "remove", "pause", "look"):
            known = script("buoy.broker", name)

            assert client.call("SCRIPT", "LOAD", known.text).decode() == known.sha
            assert "-- include" not in known.text


class TestSlots:
    @pytest.mark.parametrize(
        "words",
        [
            ["LLEN", "buoy:{mail}:queued"],
            ["EVALSHA", "0" * 40, 2, "buoy:{mail}:queued", "buoy:{mail}:jobs", "word"],
            ["EVAL", "return 1", 1, "buoy:{mail}:meta"],
        ],
    )
    def test_a_command_belongs_to_the_slot_of_its_first_key(self, words: list[str]) -> None:
        assert slot_of(words) == slot_of(["GET", "mail"])

    def test_a_command_without_a_key_may_go_to_any_node(self) -> None:
        assert first_key(["PING"]) is None


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield int(listener.getsockname()[1])


def test_a_cluster_that_cannot_be_reached_is_told(silent_port: int) -> None:
    client = connect(f"redis+cluster://127.0.0.1:{silent_port}")

    with pytest.raises(Unavailable, match=r"^Redis cannot be reached: ") as raised:
        client.call("PING")

    assert not raised.value.sent


def test_sentinels_that_know_of_no_primary_are_named(silent_port: int) -> None:
    client = connect(f"redis+sentinel://:secret@127.0.0.1:{silent_port}/shop")

    with pytest.raises(Unavailable) as raised:
        client.call("PING")

    assert str(raised.value) == (
        f"Redis cannot be reached: expected one of the sentinels 127.0.0.1:{silent_port} to name "
        "the primary of 'shop', got no answer, or no such service"
    )
    assert not raised.value.sent
