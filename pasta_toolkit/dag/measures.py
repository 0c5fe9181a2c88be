"""How parallel one document is, in numbers. Knows no text and no files; averages over documents live elsewhere."""

from dataclasses import dataclass

from pasta_toolkit.dag.graph import ChunkKind, Dag
from pasta_toolkit.dag.schedule import schedule, width

__all__ = ["Measures", "measure"]


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of one document; each ratio is 1 (overhead: 0) where nothing at all is decoded.

    Laws: `max(chunk) <= critical_path_tokens <= decoded_tokens`; `1 <= parallelism <= width` where anything is decoded;
    `ideal_speedup == 1` for a document without tags in it.
    Source: LANGUAGE: sequential tokens, critical path, ideal speed-up, parallelism, width, tag overhead.
    """

    sequential_tokens: int
    critical_path_tokens: int
    decoded_tokens: int
    tag_tokens: int
    width: int
    num_promises: int
    num_groups: int
    num_syncs: int

    @property
    def ideal_speedup(self) -> float:
        """Sequential tokens / critical-path tokens."""
        return _ratio(self.sequential_tokens, self.critical_path_tokens)

    @property
    def parallelism(self) -> float:
        """Decoded tokens / critical-path tokens: the mean number of tokens decoded in a step."""
        return _ratio(self.decoded_tokens, self.critical_path_tokens)

    @property
    def tag_overhead(self) -> float:
        """Tag tokens / decoded tokens."""
        return self.tag_tokens / self.decoded_tokens if self.decoded_tokens else 0.0

    def theoretical_speedup(self, baseline_tokens: int) -> float:
        """Tokens of another model's answer / critical-path tokens.

        Source: Jin et al. (2025), who take the answer of the model that is not annotated for the numerator.
        """
        return _ratio(baseline_tokens, self.critical_path_tokens)

    @property
    def is_empty(self) -> bool:
        """Whether there is no answer to speed up: a ratio says nothing then, and averages leave the document out."""
        return not (self.sequential_tokens and self.critical_path_tokens)


def measure(dag: Dag) -> Measures:
    """Measure a DAG."""
    joins = [chunk for chunk in dag.chunks if chunk.kind is ChunkKind.JOIN]
    return Measures(
        sequential_tokens=dag.sequential_tokens,
        critical_path_tokens=schedule(dag).num_steps,
        decoded_tokens=sum(chunk.tokens for chunk in dag.chunks),
        tag_tokens=sum(chunk.tag_tokens for chunk in dag.chunks),
        width=width(dag),
        num_promises=dag.num_branches if dag.form != "branch" else 0,
        num_groups=len(joins),
        num_syncs=sum(bool(chunk.nodes) for chunk in joins),
    )


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 1.0
