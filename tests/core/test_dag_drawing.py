import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from grammar import AsyncBlock, Document, parse
from pasta_toolkit.dag import Dag, build_dag
from pasta_toolkit.dag.drawing import DrawingError, MissingMatplotlibError, draw
from pasta_toolkit.dag.drawing.fonts import STAND_IN, choose_fonts
from pasta_toolkit.dag.drawing.geometry import fitting
from pasta_toolkit.dag.drawing.labels import Places, elided_to, placed
from pasta_toolkit.dag.timeline import timeline
from tests.support.dag_samples import HOSTILE_TOPICS, annotated, branches
from tests.support.dag_strategies import LIGHT, CharacterCounter

COUNTER = CharacterCounter()
SVG = "{http://www.w3.org/2000/svg}"
SLOW = settings(deadline=None, max_examples=4)
NOWHERE = "\U0010fffd"  # a private character that no font has


def dag_of(text: str) -> Dag:
    return build_dag(parse(text), COUNTER)


def svg_texts(image: bytes) -> list[str]:
    return [element.text for element in ElementTree.fromstring(image).iter(f"{SVG}text")]


def test_a_png_has_the_size_of_its_page() -> None:
    dag = dag_of(annotated("diet", "sleep"))
    image = Image.open(io.BytesIO(draw(dag)))
    geometry = fitting(timeline(dag))
    assert image.format == "PNG"
    assert image.size == (round(geometry.page_width * 150), int(geometry.page_height * 150))


@pytest.mark.parametrize("image_format", ["png", "svg"])
def test_the_same_dag_gives_the_same_bytes_whatever_matplotlib_is_set_to(image_format) -> None:
    dag = dag_of(annotated("diet", "sleep"))
    first = draw(dag, image_format=image_format, title="a.txt")
    with matplotlib.rc_context(
        {"font.size": 30, "svg.fonttype": "path", "axes.facecolor": "red", "lines.linewidth": 9}
    ):
        assert draw(dag, image_format=image_format, title="a.txt") == first
    assert b"Date" not in first
    assert b"date" not in first


def test_an_svg_names_the_measures_every_topic_and_every_sync() -> None:
    topics = ("diet", "sleep", "睡眠", "[a|b] $x$ \\n <".removesuffix(" <"))
    texts = svg_texts(draw(dag_of(annotated(*topics)), image_format="svg", title="a.txt"))
    assert any(text.startswith("Ideal speed-up 0.") for text in texts)
    assert "a.txt" in texts
    assert "main" in texts
    assert texts.count("sync") == 1
    for place, topic in enumerate(topics):
        assert f"{topic} · {15 + 5 * (6 + place)}" in texts


def test_an_end_without_sync_is_called_end() -> None:
    texts = svg_texts(draw(dag_of(branches("x", "y")), image_format="svg"))
    assert "end" in texts
    assert "sync" not in texts


def test_a_drawing_of_promised_lengths_says_so() -> None:
    nodes = [node for node in parse(annotated("x")).nodes if not isinstance(node, AsyncBlock)]
    dag = build_dag(Document.of(nodes, form="main"), COUNTER)
    assert any("as long as promised" in text for text in svg_texts(draw(dag, image_format="svg")))


@pytest.mark.parametrize("image_format", ["png", "svg"])
@pytest.mark.parametrize(
    "text", ["", "plain", branches("x"), annotated(*HOSTILE_TOPICS)], ids=["empty", "plain", "one", "hostile"]
)
def test_every_shape_is_drawn_without_a_warning(image_format, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw(dag_of(text), image_format=image_format, title=NOWHERE)


def test_sixty_branches_are_drawn_with_all_their_labels() -> None:
    topics = [f"topic {place}" for place in range(60)]
    texts = svg_texts(draw(dag_of(annotated(*topics, num_words=40)), image_format="svg"))
    assert {text.split(" ·")[0] for text in texts} >= set(topics)


@SLOW
@given(
    st.lists(
        st.text(st.characters(exclude_characters='"<>', exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30),
        min_size=4,
        max_size=6,
    )
)
def test_topics_of_any_characters_are_drawn_without_a_warning(topics: list[str]) -> None:
    assert draw(dag_of(annotated(*topics)))


def test_a_drawing_of_too_many_branches_is_refused_with_a_way_out() -> None:
    with pytest.raises(DrawingError, match=r"room for 400 branches and this document has 401; choose .*json"):
        draw(dag_of(branches(*["x"] * 401)))


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingMatplotlibError, match=re.escape("pip install 'pasta-toolkit[plot]'")):
        draw(dag_of("x"))


def test_sixty_branches_fit_on_a_page_that_one_does_not_get_lost_on() -> None:
    one = fitting(timeline(dag_of(branches("x"))))
    sixty = fitting(timeline(dag_of(branches(*["x"] * 60))))
    assert one.page_height < 4
    assert sixty.page_height < 20
    assert sixty.lane_pitch < one.lane_pitch
    assert sixty.label_size >= 6.5
    assert sixty.label_size / 72 < sixty.bar_height


@SLOW
@given(st.integers(1, 200))
def test_lanes_grow_denser_and_never_overlap(num_branches: int) -> None:
    geometry = fitting(timeline(dag_of(branches(*["x"] * num_branches))))
    assert geometry.middle(1) - geometry.middle(0) == pytest.approx(geometry.lane_pitch)
    assert geometry.bar_height < geometry.lane_pitch
    assert geometry.lanes_bottom == pytest.approx(geometry.lanes_top + (num_branches + 1) * geometry.lane_pitch)


def test_a_character_that_no_font_has_is_replaced_where_it_is_seen_and_dropped_where_it_is_not() -> None:
    fonts = choose_fonts(f"a{NOWHERE}\U000e0041b")
    assert fonts.families == ("DejaVu Sans",)
    assert fonts.drawable(f"a{NOWHERE}\U000e0041b") == f"a{STAND_IN}b"


def test_latin_needs_one_font() -> None:
    assert choose_fonts("plain text, ümlaut, кириллица").families == ("DejaVu Sans",)


def label(topic: str, *, inside: float, left: float, right: float):
    places = Places(inside=(0, inside), left=(-left, 0), right=(inside, inside + right))
    return placed(topic, "·9", places=places, measure=lambda text: len(text) / 10)


def test_a_label_that_fits_lies_in_its_bar() -> None:
    assert (label("topic", inside=0.7, left=9, right=9).text, label("topic", inside=0.7, left=9, right=9).x) == (
        "topic·9",
        0,
    )


def test_a_label_beside_a_short_bar_lies_on_the_left_if_it_fits_there() -> None:
    found = label("topic", inside=0.6, left=0.7, right=9)
    assert (found.text, found.side, found.is_inside, found.x) == ("topic·9", "right", False, 0)


def test_a_label_goes_right_where_the_left_is_too_narrow() -> None:
    found = label("topic", inside=0.6, left=0.6, right=9)
    assert (found.text, found.side, found.x) == ("topic·9", "left", 0.6)


def test_a_label_too_long_for_every_place_is_cut_and_keeps_its_count() -> None:
    assert label("a long topic", inside=0.1, left=0.8, right=0.7).text == "a lon…·9"


def test_a_long_bar_shows_the_beginning_of_a_long_label() -> None:
    found = label("a very long topic indeed", inside=1.4, left=9, right=9)
    assert (found.text, found.is_inside) == ("a very long…·9", True)


@LIGHT
@given(st.text(), st.floats(0.1, 5))
def test_a_cut_label_fits(text: str, width: float) -> None:
    cut = elided_to(text, width, measure=lambda part: len(part) / 10)
    assert len(cut) / 10 <= width or cut == "…"
    assert cut == text or cut.endswith("…")
