"""The picture of what can be restored: what is drawn, where, and that it is the same each time."""

import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from backups.timeline import LEAST_WIDTH, LEFT, RIGHT, WIDTH, Mark, Scale, svg
from tests.backups import answering
from tests.backups.answering import NOW, archive, backup, cluster, listing, read, wal

SVG = "{http://www.w3.org/2000/svg}"
CASES = {
    "a minute old": answering.minute_old(),
    "four weeks": answering.four_weeks(),
    "two timelines": answering.two_timelines(),
    "with a hole": answering.with_hole(),
    "stopped": answering.stopped(),
    "empty": answering.empty(),
}


def drawn(given: dict[str, Any], *marks: Mark) -> ElementTree.Element:
    return ElementTree.fromstring(svg(read(given), "dev", marks))


def boxes(picture: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    """Bars of a kind; those of the legend have no words of their own."""
    found = picture.iter(f"{SVG}rect")
    return [one for one in found if one.get("class") == kind and one.find(f"{SVG}title") is not None]


def texts(picture: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in picture.iter(f"{SVG}text")]


def number(box: ElementTree.Element, name: str) -> float:
    return float(box.get(name, "nan"))


@pytest.mark.parametrize("name", CASES)
def test_every_picture_is_named_described_and_within_its_frame(name: str) -> None:
    picture = drawn(CASES[name])
    title, described = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert title.text == "dev: what can be restored"
    assert described is not None
    assert described.text
    assert picture.get("role") == "img"
    for box in picture.iter(f"{SVG}rect"):
        assert 0 <= number(box, "x") + number(box, "width") <= WIDTH or box.get("class") == "back"
    assert all(
        LEFT <= float(tick.get("x", 0)) <= WIDTH - RIGHT
        for tick in picture.iter(f"{SVG}text")
        if tick.get("text-anchor") == "middle"
    )


@pytest.mark.parametrize("name", CASES)
def test_a_picture_is_the_same_each_time_and_fetches_nothing(name: str) -> None:
    first = svg(read(CASES[name]), "dev")
    assert first == svg(read(CASES[name]), "dev")
    assert not re.search(r"(href|url\(|@import|<script)", first)
    assert "prefers-color-scheme: dark" in first


def test_each_backup_is_a_bar_of_its_kind_as_long_as_it_took() -> None:
    picture = drawn(answering.four_weeks())
    assert (len(boxes(picture, "full")), len(boxes(picture, "diff")), len(boxes(picture, "incr"))) == (4, 24, 0)
    short, long = (
        boxes(drawn(listing([backup(NOW - timedelta(hours=2), seconds=seconds)], [archive(3, 9)])), "full")[0]
        for seconds in (60, 3600)
    )
    assert number(long, "width") == pytest.approx(60 * number(short, "width"), rel=0.1)


def test_a_short_backup_can_still_be_seen() -> None:
    (box, *_) = boxes(drawn(answering.four_weeks()), "diff")
    assert number(box, "width") == LEAST_WIDTH


def test_a_damaged_backup_is_told_from_others() -> None:
    given = listing([backup(NOW - timedelta(hours=2), error=True)], [archive(3, 9)])
    picture = drawn(given)
    assert (len(boxes(picture, "broken")), boxes(picture, "full")) == (1, [])
    assert "damaged" in texts(picture)


def test_log_is_drawn_along_each_timeline_with_its_gap() -> None:
    picture = drawn(answering.two_timelines())
    assert [text for text in texts(picture) if text.startswith("WAL, ")] == ["WAL, timeline 1", "WAL, timeline 2"]
    before, after, other = boxes(picture, "wal")
    (gap,) = boxes(picture, "gap")
    assert number(before, "x") + number(before, "width") == pytest.approx(number(gap, "x"), abs=0.2)
    assert number(gap, "x") + number(gap, "width") == pytest.approx(number(after, "x"), abs=0.2)
    assert number(other, "x") == pytest.approx(number(after, "x") + number(after, "width"), abs=0.2)
    assert "WAL missing" in texts(picture)


def test_the_window_is_drawn_where_there_is_one() -> None:
    assert boxes(drawn(answering.empty()), "window") == []
    assert any(text.startswith("Nothing can be restored") for text in texts(drawn(answering.empty())))
    (window,) = boxes(drawn(answering.minute_old()), "window")
    (full,) = boxes(drawn(answering.minute_old()), "full")
    assert number(window, "x") == pytest.approx(number(full, "x") + number(full, "width"), abs=0.2)


def test_each_window_is_drawn_apart_with_the_hole_between_them() -> None:
    first, second = boxes(drawn(answering.with_hole()), "window")
    assert number(first, "x") + number(first, "width") < number(second, "x")
    (hole,) = boxes(drawn(answering.with_hole()), "hole")
    assert number(hole, "x") == pytest.approx(number(first, "x") + number(first, "width"), abs=0.2)
    assert number(second, "x") == pytest.approx(number(hole, "x") + number(hole, "width"), abs=0.2)
    assert f": archive: {wal(31)} .. {wal(50)} is missing" in " ".join(texts(drawn(answering.with_hole())))
    assert boxes(drawn(answering.with_hole() | {"windows": []}), "window") == []
    assert any(text.startswith("Not every moment: 2 windows, ") for text in texts(drawn(answering.with_hole())))


def test_what_only_the_host_has_is_told_from_what_is_archived() -> None:
    picture = drawn(answering.stopped())
    (window,), (here,), (hole,) = (boxes(picture, kind) for kind in ("window", "here", "hole"))
    assert number(window, "x") + number(window, "width") == pytest.approx(number(here, "x"), abs=0.2)
    assert number(here, "x") + number(here, "width") == pytest.approx(number(hole, "x"), abs=0.2)
    assert any("UTC (9 min 58 s, the last 1 min only on the host); 1 backup." in text for text in texts(picture))


def test_marks_and_clusters_are_named_and_kept_apart() -> None:
    moments = [NOW - timedelta(hours=30), NOW - timedelta(hours=29)]
    given = answering.four_weeks() | {"restored": [cluster("side")]}
    picture = drawn(given, *(Mark(at=moment, text=f"drill {place}") for place, moment in enumerate(moments)))
    flags = [one for one in picture.iter(f"{SVG}text") if one.get("class") == "words"]
    assert sorted(one.text or "" for one in flags) == ["drill 0", "drill 1", "restored: side"]
    assert len({one.get("y") for one in flags}) == 3


def test_a_name_can_not_break_out_of_the_picture() -> None:
    text = svg(read(answering.minute_old()), "<script>&", [Mark(at=NOW, text="</text><b>")])
    assert "<script>" not in text
    assert "<b>" not in text
    ElementTree.fromstring(text)


@pytest.mark.parametrize("span", [timedelta(seconds=1), timedelta(hours=5), timedelta(days=40), timedelta(days=4000)])
def test_ticks_are_few_and_at_round_moments(span: timedelta) -> None:
    ticks = Scale.of([NOW - span, NOW]).ticks()
    assert 2 <= len(ticks) <= 9
    assert len({tick.text for tick in ticks}) == len(ticks)
