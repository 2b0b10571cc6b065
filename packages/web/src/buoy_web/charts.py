"""Charts as SVG, made by the server: they need neither JavaScript nor inline styles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from markupsafe import Markup, escape

from .deploys import Deploy

WIDTH, HEIGHT, AXIS = 720, 140, 18
"""Units of the drawing, which scales with the page; AXIS is the room for the times."""
LABELS = 6
"""How many times stand below a chart, at most."""


@dataclass(frozen=True)
class Chart:
    """Stacked bars over time, and lines for deploys. ``series``: values by name, drawn from the
    bottom in this order; each has a value for each of ``times`` (epoch seconds). ``lines``: values
    that are drawn as lines over the bars."""

    title: str
    times: Sequence[float]
    series: Mapping[str, Sequence[float]]
    deploys: Sequence[Deploy] = ()
    lines: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def highest_bar(self) -> float:
        """What the highest bar stands for."""
        return max(map(sum, zip(*self.series.values(), strict=True)), default=0)

    @property
    def highest(self) -> float:
        """What the highest bar, or the highest point of a line, stands for."""
        points = (value for line in self.lines.values() for value in line)
        return max([self.highest_bar, *points])

    def svg(self) -> Markup:
        """Returns the chart as an element; its description says the sums."""
        return self.drawing

    @cached_property
    def drawing(self) -> Markup:
        named = {**self.series, **self.lines}.items()
        sums = ", ".join(f"{name}: {sum(values):,.0f}" for name, values in named)
        highest = max(self.highest, 1)
        drawn = [*self.bars(highest), *self.drawn_lines(highest), *self.deploy_lines()]
        bars = Markup("").join(drawn)
        frame = Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}" '
            'preserveAspectRatio="none"><line class="axis" x1="0" x2="{}" y1="{}" y2="{}"/>{}</svg>'
        )
        description = f"{self.title}. {sums}"
        return frame.format(WIDTH, HEIGHT, description, WIDTH, HEIGHT, HEIGHT, bars)

    def bars(self, highest: float) -> list[Markup]:
        """Returns an element for each value that is not 0."""
        step = WIDTH / max(len(self.times), 1)
        width = f"{max(step - 1, 0.6):.2f}"
        series = [(str(escape(name)), values) for name, values in self.series.items()]
        found = []
        for number, at in enumerate(self.times):
            top, left, said = float(HEIGHT), f"{number * step:.2f}", clock(at)
            for name, values in series:
                height = values[number] / highest * (HEIGHT - 4)
                if height <= 0:
                    continue
                top -= height
                bar = (
                    f'<rect class="{name}" x="{left}" y="{top:.2f}" width="{width}" '
                    f'height="{height:.2f}"><title>{said}: {values[number]:,.0f} {name}</title>'
                    "</rect>"
                )
                found.append(Markup(bar))  # noqa: S704 - the names are escaped
        return found

    def deploy_lines(self) -> list[Markup]:
        """Returns a line for each deploy."""
        line = Markup('<line class="mark" x1="{}" x2="{}" y1="0" y2="{}"><title>{}</title></line>')
        found = []
        for each in self.deploys:
            x = round((each.at - self.times[0]) / self.seconds * WIDTH, 2)
            found.append(line.format(x, x, HEIGHT, f"{clock(each.at)}: {each.label}"))
        return found

    @property
    def seconds(self) -> float:
        """The time that the chart shows."""
        first, *rest = self.times
        step = rest[0] - first if rest else 1.0
        return step * len(self.times)

    def drawn_lines(self, highest: float) -> list[Markup]:
        """Returns an element for each line; it goes through the middles of the bars."""
        step, line = WIDTH / max(len(self.times), 1), Markup('<polyline class="{}" points="{}"/>')
        return [
            line.format(
                name,
                " ".join(
                    f"{(number + 0.5) * step:.1f},{HEIGHT - value / highest * (HEIGHT - 4):.1f}"
                    for number, value in enumerate(values)
                ),
            )
            for name, values in self.lines.items()
        ]

    def labels(self) -> list[float]:
        """Returns the times that stand below the chart, evenly spread."""
        every = max(1, -(-len(self.times) // LABELS))
        return list(self.times[::every])


def clock(at: float) -> str:
    """Returns day and time in UTC; JavaScript shows them in the reader's zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%d %b %H:%M")


def sparkline(values: Sequence[float]) -> Markup:
    """Returns a small line of values, for a cell of a table."""
    if len(values) < 2:
        return Markup("")
    highest, step = max(*values, 1), 100 / (len(values) - 1)
    points = [
        f"{number * step:.1f},{19 - 18 * each / highest:.1f}" for number, each in enumerate(values)
    ]
    line = Markup(
        '<svg class="spark" viewBox="0 0 100 20" aria-hidden="true" preserveAspectRatio="none">'
        '<polyline points="{}"/></svg>'
    )
    return line.format(" ".join(points))
