"""Makes documents for the diagnostics: tag soup, damaged documents and valid ones."""

from hypothesis import strategies as st

from tests.support.strategies import any_text, mutated_prints, tag_soup

CANONICAL = (
    '<promise topic="fox" tokens="10"/>',
    '<promise topic="owl" tokens="250"/>',
    "<async>",
    "</async>",
    "<sync/>",
)
MISSPELLED = (
    "<promise tokens='20' topic='fox'/>",
    '<promise topic="fox" tokens="13">',
    '<promise topic="fox" tokens="10"></promise>',
    "<promise topic='a \"b\"' tokens=many />",
    '<promise topic="" tokens="0" tokens="99999" kind="x"/>',
    '<promise topic="a > b" tokens="040"/>',
    f'<promise topic="{"long " * 20}" tokens="10"/>',
    "<promise/>",
    "<promise>",
    "<async />",
    "<async/>",
    "<async\n>",
    "</async >",
    '<async id="1">',
    "<sync>",
    "<sync />",
    "<sync></sync>",
    "</sync>",
    "</promise>",
)
BROKEN = (
    "<promise",
    '<promise topic="fox',
    '<promise topic="fox tokens="10"/>',
    "<promise topic=red fox tokens=20/>",
    '<promise topic="x" tokens="10"',
    "<async",
    "</async",
    "<sync",
    "<sync/",
)
MISCASED = ("<Sync/>", "<ASYNC>", "</Async>", '<Promise topic="fox" tokens="10"/>', "<Promise<string>>")
TEXTS = (
    "a",
    " ",
    "\n",
    "<",
    "&",
    "&lt;",
    "&amp;",
    "lt;",
    "amp;",
    "/",
    "async>",
    "sync",
    "hronous",
    "promise",
    "<asyn",
    "&lt;sync/>",
    '"',
    "'",
    ">",
    "/>",
    ' tokens="10"/>',
    ' topic="',
    "A longer sentence stands here, as mentioned above. ",
    "\r\n",
    "\0",
    "\ufeff",
    "\ud800",
    "\u4f60\u597d",
)


def soup(*, most: int = 14) -> st.SearchStrategy[str]:
    """Any pieces of tags and text in any order."""
    pieces = st.sampled_from((*CANONICAL, *CANONICAL, *MISSPELLED, *BROKEN, *MISCASED, *TEXTS))
    return st.lists(st.one_of(pieces, pieces, pieces, st.text(max_size=4)), max_size=most).map("".join)


def ordered_soup(*, most: int = 14) -> st.SearchStrategy[str]:
    """Canonical tags in any order, with text between them."""
    pieces = st.sampled_from((*CANONICAL, *CANONICAL, *TEXTS))
    return st.lists(pieces, max_size=most).map("".join)


def documents_of_any_kind() -> st.SearchStrategy[str]:
    """Soup of two kinds, canonical tags in any order, damaged prints of valid documents, and any text."""
    bare_tags = st.lists(st.sampled_from(CANONICAL), max_size=12).map("".join)
    damaged = mutated_prints().map(lambda print_and_form: print_and_form[0])
    return st.one_of(soup(), ordered_soup(), bare_tags, tag_soup(), damaged, any_text())
