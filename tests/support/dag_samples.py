"""Annotated answers of chosen shapes for the tests of exports and drawings."""

__all__ = ["HOSTILE_TOPICS", "annotated", "branches"]

HOSTILE_TOPICS = (
    "[a|b]{c} (d) \\n \\",
    "`code` #35; &amp; %s $x^2$ _u_ *s*",
    "x" * 80,
    "睡眠卫生",
    "النوم الصحي",
    "emoji 😀 \u200d\ufe0f",
    "end; click c0 --- %% subgraph",
    "\u2028\ufffe\U0010ffff",
    "1. list",
)


def branches(*topics: str, num_words: int = 6) -> str:
    """Return one promise and its block for each topic, each a word longer than the one before."""
    return "".join(
        f'<promise topic="{topic}" tokens="10"/><async>{"word " * (num_words + place)}</async>'
        for place, topic in enumerate(topics)
    )


def annotated(*topics: str, num_words: int = 6) -> str:
    """Return a response with text around one group of branches and its sync."""
    return f"Some words before. {branches(*topics, num_words=num_words)}<sync/> Some words behind."
