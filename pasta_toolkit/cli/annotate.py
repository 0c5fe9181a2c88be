"""The command `pasta annotate`."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import click

from grammar import Layout
from pasta_toolkit.annotate import AnnotatedText, AnnotationPolicy, Annotator, Method, Waits
from pasta_toolkit.cli.annotate_output import Answer, Resumption, annotated_line, check_output, opened_stream
from pasta_toolkit.cli.invalidity import place_of
from pasta_toolkit.cli.options import jobs_option, paths_argument, stdin_format_option
from pasta_toolkit.cli.progress import ProgressBar
from pasta_toolkit.cli.shared import EXIT_FINDINGS, examples, field_option, tokenizer_option, write_json
from pasta_toolkit.dag import Measures
from pasta_toolkit.dag.wording import counted_with
from pasta_toolkit.records import (
    Chunk,
    Input,
    LineReader,
    Record,
    RecordFault,
    StdinFormat,
    decode_chunk,
    find_inputs,
    read_chunks,
)
from pasta_toolkit.tokens import load_counter
