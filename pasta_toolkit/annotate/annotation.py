"""Turns a plain answer into an annotated one. Knows structure, not meaning: what is laid out apart is taken as independent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grammar import AsyncBlock, Document, Layout, Node, Promise, Sync, Text, escape, format_document
from pasta_toolkit.annotate.coarsening import coarsened
from pasta_toolkit.annotate.constraints import find_constraints
from pasta_toolkit.annotate.costs import count_costs, rounded_tokens
from pasta_toolkit.annotate.naming import find_topics
from pasta_toolkit.annotate.outline import Outline, find_outline
from pasta_toolkit.annotate.planner import Plan, find_plan
from pasta_toolkit.annotate.policy import AnnotationPolicy
from pasta_toolkit.annotate.remembering import RememberingCounter
from pasta_toolkit.annotate.search import Piece
from pasta_toolkit.annotate.topics import distinct_topics
from pasta_toolkit.dag import Measures, build_dag, measure
from pasta_toolkit.tokens import TokenCounter

__all__ = ["Annotation", "annotate"]


@dataclass(frozen=True, slots=True)
class Annotation:
    document: Document
    measures: Measures
    planned_tokens: int = 0


def annotate(text, *, counter, policy=AnnotationPolicy(), most_topic_tokens=3):
    counter = RememberingCounter(counter)
    outline = coarsened(find_outline(text, policy))
    constraints = find_constraints(outline, policy)
    topics = find_topics(text, outline, counter, most_words=policy.max_topic_words, most_tokens=most_topic_tokens)
    costs = count_costs(text, outline, counter, topics=[options[0] for options in topics])
    plan = find_plan(costs, constraints, most_branches=policy.max_branches)
    document = build_document(text, outline, plan, topics, counter)
    return Annotation(document, measure(build_dag(document, counter)), plan.tokens)


def build_document(text, outline, plan, topics, counter):
    nodes = []
    for number, segment in enumerate(plan.segments):
        if number: nodes.append(Sync())
        names = iter(distinct_topics([topics[p.start] for p in segment if p.is_branch]))
        for p in segment:
            content = text[outline.blocks[p.start].start:outline.blocks[p.end-1].end]
            if p.is_branch:
                nodes.append(Promise(next(names), rounded_tokens(counter.count(escape(content)))))
                nodes.append(AsyncBlock(content))
            else: nodes.append(Text(content))
    return Document.of(nodes)
