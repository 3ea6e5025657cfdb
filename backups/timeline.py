"""A picture of what can be restored: backups, write-ahead log, the window, and points of interest, as SVG.

The same listing gives the same picture, byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import wrap

from backups.wal import Range, ranges
from database.figures import clock, counted, duration, exact, size
from host.recovery.contract import Listing, Window
from pictures.drawing import templates

WIDTH, LEFT, RIGHT = 900, 118, 44
TOP, LANE, BAR = 74, 30, 16
LEAST_WIDTH = 4.0
# Room for a mark's text above the lanes.
MARK_ROW, MARK_ROWS = 14, 4
MOST_TIMELINES = 6
# What one line of text has room for.
MOST_SPANS = 3
LETTER_WIDTH = 6.0
NOTE_ROW, NOTE_LETTERS = 17, 115
KINDS = ("full", "diff", "incr")
LEGEND = {
    "full": "full",
    "diff": "differential",
    "incr": "incremental",
    "broken": "damaged",
    "wal": "WAL archived",
    "gap": "WAL missing",
    "window": "can be restored",
    "here": "can be, only on the host",
    "hole": "can't be restored",
}
STEPS = [
    *(timedelta(seconds=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(minutes=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7, 14, 28, 91, 182, 364, 728, 1820)),
]
MOST_TICKS = 8
TEMPLATES = templates(Path(__file__).with_name("templates"))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment that is pointed at, such as one that a drill restored."""

    at: datetime
    text: str


@dataclass(frozen=True, kw_only=True)
class Box:
    """A bar in a lane; x and width in the picture's units."""

    kind: str
    x: float
    width: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Lane:
    name: str
    y: float
    boxes: list[Box]


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A mark with its position; in rows, so that neighbours' texts don't overlap."""

    x: float
    row: int
    anchor: str
    text: str
    moment: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Scale:
    start: datetime
    end: datetime

    @classmethod
    def of(cls, moments: Sequence[datetime]) -> "Scale":
        """A little wider than what it shows, and a minute at least."""
        first, last = min(moments), max(moments)
        margin = max((last - first) * 0.02, timedelta(seconds=30) - (last - first) / 2, timedelta(seconds=1))
        return cls(start=first - margin, end=last + margin)

    def x(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[Tick]:
        """Ticks at round moments, at most MOST_TICKS."""
        span = self.end - self.start
        step = next((one for one in STEPS if span / one <= MOST_TICKS), STEPS[-1])
        epoch = datetime(2000, 1, 3, tzinfo=UTC)
        moment = epoch + -((epoch - self.start) // step) * step
        found = []
        while moment <= self.end:
            if moment >= self.start:
                found.append(Tick(x=self.x(moment), text=_tick_text(moment, step)))
            moment += step
        return found


def _tick_text(moment: datetime, step: timedelta) -> str:
    if step >= timedelta(days=1):
        return moment.strftime("%Y-%m-%d" if step >= timedelta(days=91) else "%b %d")
    if step >= timedelta(hours=1):
        return moment.strftime("%b %d %H:%M")
    return moment.strftime("%H:%M" if step >= timedelta(minutes=1) else "%H:%M:%S")


def svg(listing: Listing, stack: str, marks: Sequence[Mark] = ()) -> str:
    """The picture; marks are put beside the restored and kept clusters."""
    shown = [*marks, *(Mark(at=one.made_at, text=f"{one.kind}: {one.name}") for one in listing.restored)]
    logged = ranges(listing)
    scale = Scale.of(_moments(listing, shown, logged))
    flags = _flags(shown, scale)
    top = TOP + MARK_ROW * (max((flag.row for flag in flags), default=-1) + 1)
    lanes = _lanes(listing, logged, scale, top)
    bottom = top + LANE * len(lanes)
    notes = _notes(listing)
    used = {box.kind for lane in lanes for box in lane.boxes}
    text: str = TEMPLATES.get_template("timeline.svg.j2").render(
        width=WIDTH,
        height=bottom + 58 + NOTE_ROW * len(notes),
        note_row=NOTE_ROW,
        notes=notes,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=top,
        bottom=bottom,
        bar=BAR,
        lane=LANE,
        mark_row=MARK_ROW,
        marks_top=TOP,
        title=f"{stack}: what can be restored",
        summary=summary(listing),
        headline=_headline(listing),
        asked=f"as of {clock(listing.now)} UTC",
        lanes=lanes,
        ticks=scale.ticks(),
        flags=flags,
        now=scale.x(listing.now),
        legends=[(kind, label) for kind, label in LEGEND.items() if kind in used],
    )
    return text


def summary(listing: Listing) -> str:
    """The windows in one sentence."""
    backups = [one for one in listing.backups if one.is_usable]
    if not backups:
        return "Nothing can be restored: the repository has no backup that is whole."
    if not listing.windows and listing.holes:
        return f"No moment can be restored: {listing.holes[-1].cause}."
    if not listing.windows:
        return f"Nothing can be restored: log is missing for {counted(len(backups), 'backup')}."
    spans = [_span(one) for one in listing.windows]
    shown = spans if len(spans) <= MOST_SPANS else ["…", *spans[-MOST_SPANS:]]
    return f"Any moment {', or '.join(shown)}; {counted(len(backups), 'backup')}."


def _headline(listing: Listing) -> str:
    """The part of the summary that fits above the picture, which draws the rest."""
    if len(listing.windows) < 2:
        return summary(listing)
    return f"Not every moment: {counted(len(listing.windows), 'window')}, the last {_span(listing.windows[-1])}."


def _span(found: Window) -> str:
    """Whole seconds, within the window; a shorter one as it is."""
    length = duration((found.until - found.since).total_seconds())
    since = found.since + timedelta(microseconds=-found.since.microsecond % 10**6)
    is_short = since > found.until
    until = exact(found.until) if is_short else f"{clock(found.until)} UTC"
    begin = exact(found.since) if is_short else clock(since)
    here = (found.until - _archived_until(found)).total_seconds()
    rest = f", the last {duration(here)} only on the host" if here else ""
    return f"from {begin} to {until}{', moving on' if found.is_live else ''} ({length}{rest})"


def _archived_until(found: Window) -> datetime:
    return max(found.archived_until or found.until, found.since)


def _notes(listing: Listing) -> list[str]:
    """The newest holes in words, two lines each at most."""
    texts = [f"Not from {clock(one.since)} to {clock(one.until)}: {one.cause}" for one in listing.holes[-MOST_SPANS:]]
    return [line for text in texts for line in wrap(text, NOTE_LETTERS, max_lines=2, placeholder=" …")]


def _moments(listing: Listing, marks: Sequence[Mark], logged: Sequence[Range]) -> list[datetime]:
    found = [listing.now, *(mark.at for mark in marks)]
    for backup in listing.backups:
        found += [backup.started_at, backup.stopped_at]
    for archived in logged:
        found += [archived.start, archived.end]
    return found + [edge for one in listing.windows for edge in (one.since, one.until)]


def _lanes(listing: Listing, logged: Sequence[Range], scale: Scale, top: float) -> list[Lane]:
    lanes = [(kind, _backups(listing, kind, scale)) for kind in KINDS]
    lanes = [(f"{name} backups", boxes) for name, boxes in lanes if boxes] or [("backups", [])]
    for timeline in sorted({archived.timeline for archived in logged})[-MOST_TIMELINES:]:
        own = [_logged(archived, scale) for archived in logged if archived.timeline == timeline]
        lanes.append((f"WAL, timeline {timeline}", own))
    lanes.append(("restorable", _windows(listing, scale)))
    return [Lane(name=name, y=top + LANE * index, boxes=boxes) for index, (name, boxes) in enumerate(lanes)]


def _box(scale: Scale, kind: str, start: datetime, end: datetime, text: str) -> Box:
    x = scale.x(start)
    return Box(kind=kind, x=x, width=round(max(scale.x(end) - x, LEAST_WIDTH), 1), text=text)


def _backups(listing: Listing, kind: str, scale: Scale) -> list[Box]:
    return [
        _box(
            scale,
            kind if one.is_usable else "broken",
            one.started_at,
            one.stopped_at,
            f"{one.label}: {one.kind}, {clock(one.started_at)} UTC, {duration(one.seconds)}, "
            f"{size(one.database_bytes)}, {size(one.repository_bytes)} in the repository"
            + ("" if one.is_usable else f", damaged{f': {one.damage}' if one.damage else ''}"),
        )
        for one in listing.backups
        if one.kind == kind
    ]


def _logged(archived: Range, scale: Scale) -> Box:
    text = f"{'missing: ' if archived.is_missing else ''}{archived.first} to {archived.last}"
    return _box(scale, "gap" if archived.is_missing else "wal", archived.start, archived.end, text)


def _windows(listing: Listing, scale: Scale) -> list[Box]:
    holes = [
        _box(scale, "hole", one.since, one.until, f"{exact(one.since)} to {exact(one.until)}: {one.cause}")
        for one in listing.holes
    ]
    windows = [(one, f"{exact(one.since)} to {exact(one.until)}") for one in listing.windows]
    # Over the holes: the shortest window is still seen.
    return [
        *holes,
        *(
            _box(scale, "here", _archived_until(one), one.until, text)
            for one, text in windows
            if _archived_until(one) < one.until
        ),
        *(_box(scale, "window", one.since, _archived_until(one), text) for one, text in windows),
    ]


def _flags(marks: Sequence[Mark], scale: Scale) -> list[Flag]:
    """Places each flag in the first row where its words overlap no earlier ones; in the last when there is none."""
    ends = [0.0] * MARK_ROWS
    found = []
    for mark in sorted(marks, key=lambda one: (one.at, one.text)):
        x, length = scale.x(mark.at), len(mark.text) * LETTER_WIDTH + 8
        is_right = x + length > WIDTH
        begin = x - length if is_right else x
        row = next((row for row, end in enumerate(ends) if end <= begin), MARK_ROWS - 1)
        ends[row] = max(ends[row], begin + length)
        anchor = "end" if is_right else "start"
        found.append(Flag(x=x, row=row, anchor=anchor, text=mark.text, moment=exact(mark.at)))
    return found
