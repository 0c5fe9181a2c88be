"""PASTA-LANG: text to tree and back. Depends on lark alone; knows no files, tokenizers or diagnostics."""

from grammar.definition import grammar_text, lark_parser, reserved_pattern, terminal_patterns
from grammar.errors import PastaError, PastaSyntaxError
from grammar.escape import escape, unescape
from grammar.lenient import LooseAttribute, LooseTag, read_leniently, read_miscased, text_outside_tags
from grammar.nodes import AsyncBlock, Document, Form, Group, Node, Promise, Sync, Text
from grammar.parser import check_with_lark, parse
from grammar.printer import Layout, format_document, print_promise, render
from grammar.scanner import is_ordered, is_valid, scan, signature, split_at_tags
from grammar.source import Position, Source, Span

__all__ = [
    "AsyncBlock",
    "Document",
    "Form",
    "Group",
    "Layout",
    "LooseAttribute",
    "LooseTag",
    "Node",
    "PastaError",
    "PastaSyntaxError",
    "Position",
    "Promise",
    "Source",
    "Span",
    "Sync",
    "Text",
    "check_with_lark",
    "escape",
    "format_document",
    "grammar_text",
    "is_ordered",
    "is_valid",
    "lark_parser",
    "parse",
    "print_promise",
    "read_leniently",
    "read_miscased",
    "render",
    "reserved_pattern",
    "scan",
    "signature",
    "split_at_tags",
    "terminal_patterns",
    "text_outside_tags",
    "unescape",
]
