"""The text part of a mail that has only HTML."""

import re
from html.parser import HTMLParser

HIDDEN = {"script", "style", "template", "title"}
BLOCKS = {"address", "article", "aside", "blockquote", "div", "dl", "dt", "figure", "footer"}
BLOCKS |= {"header", "li", "main", "nav", "section", "tr"}
PARAGRAPHS = {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"}
CELLS = {"td", "th"}


def plain(html: str) -> str:
    """The words of a page, its paragraphs apart, its links behind their words."""
    reader = Reader()
    reader.feed(html)
    reader.close()
    text = re.sub(r" +\n", "\n", "".join(reader.pieces))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class Reader(HTMLParser):
    """Collects what is to be read, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.hidden: list[str] = []
        self.verbatim = 0
        self.links: list[tuple[str, int]] = []
        """Of the links that are open: where they lead, and the piece with which they begin."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in HIDDEN:
            self.hidden.append(tag)
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "img":
            self.handle_data(told.get("alt") or "")
        elif tag == "a":
            self.links.append((told.get("href") or "", len(self.pieces)))
        self.apart(tag)
        if tag == "li":
            self.pieces.append("- ")
        elif tag == "pre":
            self.verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            del self.hidden[self.hidden.index(tag) :]
        elif tag == "a" and self.links:
            self.end_link(*self.links.pop())
        elif tag == "pre":
            self.verbatim = max(0, self.verbatim - 1)
        elif tag in CELLS:
            self.pieces.append(" ")
        self.apart(tag)

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if not self.verbatim:
            data = re.sub(r"[ \t\r\n\f]+", " ", data)
            at_start = not self.pieces or self.pieces[-1][-1] in "\n "
            data = data.lstrip(" ") if at_start else data
        if data:
            self.pieces.append(data)

    def apart(self, tag: str) -> None:
        """What such a tag puts between the words before it and those behind it."""
        if tag in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in BLOCKS and (not self.pieces or not self.pieces[-1].endswith("\n")):
            self.pieces.append("\n")

    def end_link(self, target: str, first: int) -> None:
        words = "".join(self.pieces[first:]).strip()
        shown = target.removeprefix("mailto:")
        if shown and not shown.startswith("#") and shown != words:
            self.pieces.append(f" ({shown})" if words else shown)
