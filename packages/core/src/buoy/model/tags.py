"""Tags: short texts by which people find jobs again."""

from collections.abc import Sequence

from ..errors import ConfigurationError
from .checks import expect
from .names import checked_line

MOST_TAGS = 20
LONGEST_TAG = 100
"""Characters."""
NO_TAGS: tuple[str, ...] = ()


def checked_tags(tags: object, subject: str) -> tuple[str, ...]:
    """Returns the tags, each once. Raises ConfigurationError unless they are a list or tuple of at
    most MOST_TAGS texts of one line. ``subject`` names them in the error."""
    expect(isinstance(tags, list | tuple), subject, "a list of texts", tags)
    assert isinstance(tags, list | tuple)
    found = tuple(dict.fromkeys(checked_line(tag, f"{subject}: each tag") for tag in tags))
    for tag in found:
        wanted = f"tags of at most {LONGEST_TAG} characters"
        expect(len(tag) <= LONGEST_TAG, subject, wanted, tag)
    check_count(found, subject)
    return found


def check_count(tags: Sequence[str], subject: str) -> None:
    """Raise ConfigurationError for more than MOST_TAGS tags."""
    if len(tags) > MOST_TAGS:
        raise ConfigurationError(f"{subject}: expected at most {MOST_TAGS} tags, got {len(tags)}")


def joined_tags(declared: Sequence[str], added: Sequence[str], subject: str) -> Sequence[str]:
    """Returns the tags of a class and of one enqueueing, each once. Raises ConfigurationError if
    they are too many."""
    if not added:
        return declared
    tags = tuple(dict.fromkeys((*declared, *added)))
    check_count(tags, subject)
    return tags
