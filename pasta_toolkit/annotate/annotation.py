"""Turns plain answers into annotated ones. Knows structure, not meaning: what is laid out apart is taken as apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from grammar import Document, Text
from pasta_toolkit.annotate.assembly import Part, assemble
from pasta_toolkit.annotate.baselines import plan_like_apar, plan_like_sot
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.annotate.remembering import RememberingCounter
from pasta_toolkit.annotate.structure import plan_by_structure
from pasta_toolkit.dag import Measures, build_dag, measure
from pasta_toolkit.tokens import TokenCounter

__all__ = ["DEFAULT_POLICY", "Annotation", "Method", "annotate"]

Method: TypeAlias = Literal["structure", "sot", "apar-lists"]
Planning: TypeAlias = Callable[[str, TokenCounter, AnnotationPolicy], Sequence[Sequence[Part]]]

PLANNINGS: dict[Method, Planning] = {
    "structure": plan_by_structure,
    "sot": plan_like_sot,
    "apar-lists": plan_like_apar,
}
DEFAULT_POLICY = AnnotationPolicy()


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotated answer and its measures, counted with the tokenizer that the annotation was planned with."""

    document: Document
    measures: Measures

    @property
    def is_parallel(self) -> bool:
        """Whether the answer has branches."""
        return self.measures.num_promises > 0


def annotate(
    text: str, *, counter: TokenCounter, method: Method = "structure", policy: AnnotationPolicy = DEFAULT_POLICY
) -> Annotation:
    """Annotate a plain answer; any text is one. Reserved tags in it are text, and escaped when the document is printed.

    Law: `render(annotate(text, counter=counter).document) == text`.
    """
    remembering = RememberingCounter(counter)
    plain = Document.of([Text(text)])
    if not text:
        return Annotation(plain, measure(build_dag(plain, remembering)))
    document = assemble(PLANNINGS[method](text, remembering, policy), remembering)
    measures = measure(build_dag(document, remembering))
    if method == "structure" and measures.num_promises and measures.ideal_speedup < policy.min_speedup:
        return Annotation(plain, measure(build_dag(plain, remembering)))
    return Annotation(document, measures)
