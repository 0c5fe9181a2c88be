"""Hypothesis strategies for plain answers: any text, text in the manner of Markdown, and abstract outlines."""

from dataclasses import dataclass

from hypothesis import strategies as st

from pasta_toolkit.annotate.constraints import Constraints
from pasta_toolkit.annotate.costs import Costs, TagCosts
from pasta_toolkit.annotate.remarks import Region

__all__ = ["Problem", "markdown_like", "plain_text", "problems"]

TEXT_OF_WORDS = (
    "the quick brown fox jumps over a lazy dog and **bold** words, `code` or $x$; <b>html</b> <sync/> 你好 😀"
)
LINE_STARTS = (
    "# ",
    "## ",
    "- ",
    "* ",
    "1. ",
    "2. ",
    "3. ",
    "   - ",
    "    ",
    "> ",
    "| a | b |",
    "|---|---|",
    "```",
    "~~~",
    "$$",
    "---",
    "===",
    "<div>",
    "<h2>Title</h2>",
    "**Title**",
    "**Label:** ",
    "Step 1: ",
    "Name: ",
    "• ",
    "In conclusion, ",
    "As mentioned above, ",
    '"Yes," he said. ',
    "[link]: http://example.org",
)
LINE_ENDS = ("", ".", ":", "?", "  ", "\t")
BREAKS = ("\n", "\n\n", "\n\n", "\n\n", "\r\n", "\r", "\n\n\n", "\f\n", "\0")


def plain_text() -> st.SearchStrategy[str]:
    """Draw texts that have an encoding in UTF-8."""
    return st.one_of(st.text(), markdown_like())


def markdown_like() -> st.SearchStrategy[str]:
    """Draw texts of lines that look like Markdown, well or badly formed."""
    words = st.lists(st.sampled_from(TEXT_OF_WORDS.split()), max_size=14).map(" ".join)
    line = st.tuples(
        st.one_of(st.just(""), st.sampled_from(LINE_STARTS)), words, st.sampled_from(LINE_ENDS), st.sampled_from(BREAKS)
    )
    return st.lists(line.map("".join), max_size=24).map("".join)


@dataclass(frozen=True)
class Problem:
    """What the planner is given."""

    costs: Costs
    constraints: Constraints
    most_branches: int


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw small problems with governors that nest, at most one region, and barriers."""
    num_blocks = draw(st.integers(1, 6))
    governors = draw(_governors(num_blocks))
    regions = draw(_regions(num_blocks))
    region_at = [
        next((region for region in regions if region.start < i < region.end), None) for i in range(num_blocks + 1)
    ]
    flags = st.lists(st.booleans(), min_size=num_blocks, max_size=num_blocks)
    barriers = draw(st.one_of(st.just(set()), st.sets(st.integers(1, max(1, num_blocks - 1)), max_size=2)))
    constraints = Constraints(
        governors=tuple(governors),
        region_at=tuple(region_at),
        is_remark=tuple(any(r.first_remark <= i < r.end for r in regions) for i in range(num_blocks)),
        may_begin_branch=tuple(draw(st.one_of(st.just([True] * num_blocks), flags))),
        barriers=frozenset(barrier for barrier in barriers if barrier < num_blocks),
    )
    return Problem(draw(_costs(num_blocks)), constraints, draw(st.integers(2, 4)))


@st.composite
def _governors(draw: st.DrawFn, num_blocks: int) -> list[int]:
    governors: list[int] = []
    for index in range(num_blocks):
        chain = [-1]
        ancestor = index - 1
        while ancestor >= 0:
            chain.append(ancestor)
            ancestor = governors[ancestor]
        governors.append(draw(st.sampled_from(chain)))
    return governors


@st.composite
def _regions(draw: st.DrawFn, num_blocks: int) -> list[Region]:
    if num_blocks < 2 or draw(st.booleans()):
        return []
    start = draw(st.integers(0, num_blocks - 2))
    first_remark = draw(st.integers(start + 1, num_blocks - 1))
    return [Region(start, first_remark, draw(st.integers(first_remark + 1, num_blocks)))]


@st.composite
def _costs(draw: st.DrawFn, num_blocks: int) -> Costs:
    blocks = draw(st.lists(st.integers(0, 90), min_size=num_blocks, max_size=num_blocks))
    seams = draw(st.lists(st.integers(-1, 2), min_size=num_blocks - 1, max_size=num_blocks - 1))
    topics = draw(st.lists(st.integers(1, 4), min_size=num_blocks, max_size=num_blocks))
    tags = draw(st.sampled_from([TagCosts((10, 11, 12), 6, 3), TagCosts((1, 1, 1), 2, 1)]))
    return Costs(_running(blocks), _running(seams), tuple(topics), tags)


def _running(numbers: list[int]) -> tuple[int, ...]:
    return tuple(sum(numbers[:end]) for end in range(len(numbers) + 1))
