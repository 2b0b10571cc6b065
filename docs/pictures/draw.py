"""Makes an SVG of each text in this folder: ``python docs/pictures/draw.py``.

A text has one instruction a line; columns and rows may be fractions:

    grid WIDTH HEIGHT                            pixels of one column and of one row
    frame NAME COLUMN ROW WIDTH HEIGHT: TITLE    a dashed frame, from its upper left corner
    box NAME COLUMN ROW [WIDTH] [KIND]: TEXT     a box around that point; KIND is a class of STYLE
    arrow FROM TO [BEND]: TEXT                   from box to box; BEND is in columns, to the left

`` / `` in a text begins a new line. Nothing but Python is needed.
"""

import math
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent
BOX_WIDTH, LINE_HEIGHT, PADDING, MARGIN = 0.8, 15, 7, 12
STYLE = """
text{font:12px sans-serif;fill:#222;text-anchor:middle}
.label{font-size:11px;fill:#333}
.halo{font-size:11px;stroke:#fff;stroke-width:5px}
.title{font-weight:bold;text-anchor:start;fill:#555}
.first{font-weight:bold}
rect{fill:#eef3f9;stroke:#33587f;rx:5px}
rect.process{fill:#fdeee4;stroke:#d9480f}
rect.end{fill:#f0f0f0;stroke:#777}
rect.frame{fill:none;stroke:#999;stroke-dasharray:5 4}
path{fill:none;stroke:#555;stroke-width:1.2}
polygon{fill:#555}
"""
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0f}" height="{h:.0f}" '
    'viewBox="0 0 {w:.0f} {h:.0f}">\n<style>{style}</style>\n'
    '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>\n'
)
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    kind: str
    lines: list[str]

    def facing(self, other: "Box") -> Point:
        """Return the point of a much wider box that lies opposite to the other; else the middle."""
        if self.width < 2 * other.width:
            return self.x, self.y
        room = self.width / 2 - 2 * PADDING
        return min(max(other.x, self.x - room), self.x + room), self.y

    def border(self, point: Point, towards: Point) -> Point:
        """Return where the line from a point on the middle height of the box leaves the box."""
        x, y = point
        dx, dy = towards[0] - x, towards[1] - y
        side = self.x + math.copysign(self.width / 2, dx)
        part = min(
            (side - x) / dx if dx else math.inf,
            self.height / 2 / abs(dy) if dy else math.inf,
        )
        return x + dx * part, y + dy * part


@dataclass
class Picture:
    """A picture, as its text says it."""

    text: str
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    cell: Point = (100.0, 60.0)
    size: Point = (0.0, 0.0)

    def __post_init__(self) -> None:
        for line in self.text.splitlines():
            if line.strip() and not line.startswith("#"):
                head, _, text = line.partition(":")
                instruction, *words = head.split()
                lines = [part.strip() for part in text.split(" / ")] if text.strip() else []
                getattr(self, f"add_{instruction}")(words, lines)

    def add_grid(self, words: list[str], lines: list[str]) -> None:
        self.cell = float(words[0]), float(words[1])

    def add_frame(self, words: list[str], lines: list[str]) -> None:
        column, row, width, height = map(float, words[1:])
        x, y = self.at(column, row)
        w, h = width * self.cell[0], height * self.cell[1]
        self.boxes[words[0]] = Box(x + w / 2, y + h / 2, w, h, "frame", lines)
        self.grow(x + w, y + h)
        self.parts.append(rect(x, y, w, h, "frame"))
        self.parts.append(text(x + 8, y + 16, "title", lines[0]))

    def add_box(self, words: list[str], lines: list[str]) -> None:
        name, column, row, *rest = words
        kind = rest.pop() if rest and rest[-1].isalpha() else "box"
        width = float(rest[0]) if rest else BOX_WIDTH
        x, y = self.at(float(column), float(row))
        height = len(lines) * LINE_HEIGHT + 2 * PADDING
        box = Box(x, y, width * self.cell[0], height, kind, lines)
        self.boxes[name] = box
        self.grow(x + box.width / 2, y + height / 2)
        left, top = x - box.width / 2, y - height / 2
        self.parts.append(rect(left, top, box.width, height, kind))
        for number, line in enumerate(lines):
            css = "rest" if number else "first"
            self.parts.append(text(x, top + PADDING + 11.5 + number * LINE_HEIGHT, css, line))

    def add_arrow(self, words: list[str], lines: list[str]) -> None:
        start, end = self.boxes[words[0]], self.boxes[words[1]]
        bend = float(words[2]) * self.cell[0] if len(words) > 2 else 0.0
        self.arrows.append((words[0], words[1]))
        (sx, sy), (ex, ey) = start.facing(end), end.facing(start)
        dx, dy = ex - sx, ey - sy
        length = math.hypot(dx, dy) or 1.0
        middle = (sx + ex) / 2, (sy + ey) / 2
        control = middle[0] + 2 * bend * dy / length, middle[1] - 2 * bend * dx / length
        (x1, y1), (x2, y2) = start.border((sx, sy), control), end.border((ex, ey), control)
        self.lines.append(
            f'<path d="M{x1:.1f} {y1:.1f}Q{control[0]:.1f} {control[1]:.1f} {x2:.1f} {y2:.1f}"/>'
        )
        self.labels.append(tip(control, (x2, y2)))
        x, y = (x1 + 2 * control[0] + x2) / 4, (y1 + 2 * control[1] + y2) / 4
        top = y - (len(lines) - 1) * LINE_HEIGHT / 2 + 4
        for number, line in enumerate(lines):
            for css in ("halo", "label"):
                self.labels.append(text(x, top + number * LINE_HEIGHT, css, line))

    def at(self, column: float, row: float) -> Point:
        return MARGIN + column * self.cell[0], MARGIN + row * self.cell[1]

    def grow(self, x: float, y: float) -> None:
        self.size = max(self.size[0], x), max(self.size[1], y)

    def svg(self) -> str:
        width, height = self.size[0] + MARGIN, self.size[1] + MARGIN
        # Boxes hide the lines that pass behind them; labels lie above all.
        body = "\n".join([*self.lines, *self.parts, *self.labels])
        return HEAD.format(w=width, h=height, style=STYLE) + body + "\n</svg>\n"


def rect(x: float, y: float, width: float, height: float, css: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} class="{css}"/>'


def text(x: float, y: float, css: str, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}">{escape(words)}</text>'


def tip(behind: Point, point: Point) -> str:
    """Draw the tip of an arrow that comes from behind."""
    length = math.hypot(point[0] - behind[0], point[1] - behind[1]) or 1.0
    dx, dy = (point[0] - behind[0]) / length, (point[1] - behind[1]) / length
    x, y = point[0] - 9 * dx, point[1] - 9 * dy
    corners = [point, (x - 4 * dy, y + 4 * dx), (x + 4 * dy, y - 4 * dx)]
    return f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}"/>'


def read(name: str) -> Picture:
    """Return the picture of a text in this folder, by its name without the ending."""
    return Picture((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def main() -> int:
    for name in names():
        (FOLDER / f"{name}.svg").write_text(read(name).svg(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
