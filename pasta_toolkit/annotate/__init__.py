"""Plain answers to annotated ones, by structure."""

from pasta_toolkit.annotate.annotation import Annotation, Method, annotate
from pasta_toolkit.annotate.batches import AnnotatedText, Annotator
from pasta_toolkit.annotate.blocks import Block, BlockKind, cut_blocks
from pasta_toolkit.annotate.policy import AnnotationPolicy, Waits

__all__ = [
    "AnnotatedText",
    "Annotation",
    "AnnotationPolicy",
    "Annotator",
    "Block",
    "BlockKind",
    "Method",
    "Waits",
    "annotate",
    "cut_blocks",
]
