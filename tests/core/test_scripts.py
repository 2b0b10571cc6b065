"""What the files of scripts are made of: each includes what it uses, and says what goes in."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

import buoy
from buoy.broker.scripts import script
from tests.support.world import World

PACKAGES = Path(buoy.__file__).parents[4]
FILES = sorted(PACKAGES.glob("packages/*/src/*/lua/*.lua"))

GIVEN = {"KEYS", "ARGV", "redis", "math", "string", "table", "next"}
GIVEN |= {"error", "ipairs", "pairs", "tonumber", "tostring", "type", "unpack"}
WORDS = {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in"}
WORDS |= {"local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"}
TOKEN = re.compile(r"""--[^\n]*|'(?:\\.|[^'\\])*'|[.:]?[A-Za-z_]\w*|\.\.|[={]|[^\s\w]""")


def named(path: Path) -> str:
    return f"{path.parents[1].name}/{path.stem}"


def strange_names(text: str) -> Iterator[str]:
    """Names that are used before the text has said what they are. Fields of tables are let be."""
    known: set[str] = set()
    declaring = ""
    tokens = [token for token in TOKEN.findall(text) if token[0] != "'" and token[:2] != "--"]
    for token, following in pairwise([*tokens, ""]):
        if token in ("local", "for", "function"):
            declaring = token
        elif declaring and (token in ("=", "in", ")") or token in WORDS):
            declaring = ""
        elif token.isidentifier() and token not in WORDS:
            if declaring:
                known.add(token)
            elif token not in known | GIVEN and following != "=":
                yield token
            if declaring == "local" and following not in (",", "="):
                declaring = ""


def test_the_check_of_names_sees_what_is_strange() -> None:
    assert list(strange_names("local a, b = f(1) return a + b + c.d")) == ["f", "c"]
    text = "local function f(x) return x.y end for n, v in g(f) do h(v) end"
    assert list(strange_names(text)) == ["g", "h"]
    assert list(strange_names("local t = { key = one, 'two' } t.three = 'four' -- five")) == ["one"]


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_includes_what_it_uses(path: Path) -> None:
    assert list(strange_names(script(path.parents[1].name, path.stem).text)) == []


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_says_what_it_is(path: Path) -> None:
    text = path.read_text()

    included = text.startswith("-- Included ") or path.stem in ("base", "queue")
    assert included or (text.startswith("-- ") and "\n-- KEYS " in text)


def test_a_file_that_is_included_twice_stands_there_once() -> None:
    text = script("buoy.broker", "advance").text

    assert text.count("local function take()") == 1
    assert text.count("local function free(") == 1


def test_redis_takes_each_file_alone(world: World) -> None:
    for path in FILES:
        text = script(path.parents[1].name, path.stem).text
        assert world.broker.client.call("SCRIPT", "LOAD", text)
