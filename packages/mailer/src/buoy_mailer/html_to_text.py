"""Makes the text part of a mail that has only HTML.

Of the libraries for this, inscriptis needs lxml and requests, and html2text is GPL. A mail needs
little: paragraphs, lists and links.
"""

import re
from html.parser import HTMLParser

HIDDEN = {"script", "style", "template", "title"}
BLOCKS = {"address", "article", "aside", "blockquote", "div", "dl", "dt", "figure", "footer"}
BLOCKS |= {"header", "li", "main", "nav", "section", "tr"}
PARAGRAPHS = {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "ol", "p", "pre", "table", "ul"}
CELLS = {"td", "th"}


def html_to_text(html: str) -> str:
    """Returns the text of a page: an empty line between paragraphs, the target of each link in
    parentheses after its text."""
    extractor = TextExtractor()
    extractor.feed(html)
    extractor.close()
    text = re.sub(r" +\n", "\n", "".join(extractor.pieces))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


class TextExtractor(HTMLParser):
    """Collects the visible text of a page in ``pieces``, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.hidden: list[str] = []
        """The open tags whose content is not shown."""
        self.preformatted = 0
        """How many ``<pre>`` are open."""
        self.links: list[tuple[str, int]] = []
        """The open links: the target, and the number of the first piece of the link's text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in HIDDEN:
            self.hidden.append(tag)
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "img":
            self.handle_data(attributes.get("alt") or "")
        elif tag == "a":
            self.links.append((attributes.get("href") or "", len(self.pieces)))
        self.add_separator(tag)
        if tag == "li":
            self.pieces.append("- ")
        elif tag == "pre":
            self.preformatted += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self.hidden:
            del self.hidden[self.hidden.index(tag) :]
        elif tag == "a" and self.links:
            self.end_link(*self.links.pop())
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        elif tag in CELLS:
            self.pieces.append(" ")
        self.add_separator(tag)

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if not self.preformatted:
            data = re.sub(r"[ \t\r\n\f]+", " ", data)
            at_start = not self.pieces or self.pieces[-1][-1] in "\n "
            data = data.lstrip(" ") if at_start else data
        if data:
            self.pieces.append(data)

    def add_separator(self, tag: str) -> None:
        """Add the line breaks that this tag puts between the text before it and after it."""
        if tag in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in BLOCKS and (not self.pieces or not self.pieces[-1].endswith("\n")):
            self.pieces.append("\n")

    def end_link(self, target: str, first_piece: int) -> None:
        text = "".join(self.pieces[first_piece:]).strip()
        address = target.removeprefix("mailto:")
        if address and not address.startswith("#") and address != text:
            self.pieces.append(f" ({address})" if text else address)
