"""Many answers at once."""

import pytest

from pasta_toolkit.annotate import AnnotationPolicy, Annotator
from pasta_toolkit.tokens import TokenizerError

ANSWERS = ["", "Short.", "Pets:\n\n" + "".join(f"- **Pet {n}**: {'soft and warm ' * 9}\n" for n in range(6))]
BATCHES = [ANSWERS[:2], ANSWERS[2:], ANSWERS, []]


def test_results_come_in_order_whatever_the_number_of_processes():
    annotator = Annotator("words", layout="grouped", policy=AnnotationPolicy(max_branches=3))
    alone = list(annotator.annotate_batches(BATCHES))
    assert list(annotator.annotate_batches(BATCHES, num_jobs=2)) == alone
    assert [len(results) for results in alone] == [2, 1, 3, 0]
    assert alone[1][0].text.count("<promise ") in (2, 3)
    assert alone[2] == (*alone[0], *alone[1])


def test_few_batches_are_held_at_a_time():
    drawn = []

    def batches():
        for number in range(50):
            drawn.append(number)
            yield ["Text."]

    results = Annotator("words").annotate_batches(batches())
    next(results)
    assert len(drawn) == 1


def test_an_unknown_tokenizer_is_told():
    with pytest.raises(TokenizerError, match="no tokenizer 'nowhere'"):
        Annotator("nowhere").annotate("Text.")
