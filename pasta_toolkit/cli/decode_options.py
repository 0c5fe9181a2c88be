"""The options of `pasta decode`, in groups. Imports nothing but click, so that `--help` is fast."""

from pathlib import Path

import click

from pasta_toolkit.cli.engine_options import (
    jump_forward_option,
    model_options,
    positions_option,
    row_slots_option,
    threads_option,
)
from pasta_toolkit.cli.simulate_options import option_group

__all__ = ["engine_options", "free_options", "output_options", "request_options"]

request_options = option_group(
    click.option("--prompt", "prompts", multiple=True, metavar="TEXT", help="Answer this freely; may be given often."),
    click.option("--prompts", "prompts_path", metavar="PATH", help="Answer the prompts of these records freely."),
    click.option(
        "--prompt-field",
        default="instruction",
        show_default=True,
        help="Field that holds the prompt, with documents and with --prompts.",
    ),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Decode the first N records only."),
    click.option("--raw", "is_raw", is_flag=True, help="Take prompts as they are, without the model's chat template."),
    click.option(
        "--teach",
        "is_taught",
        is_flag=True,
        help="Explain the language and show two answers before each prompt, for models that were not trained on it.",
    ),
)
engine_options = option_group(
    model_options,
    positions_option,
    click.option(
        "--slots",
        "num_slots",
        type=click.IntRange(min=1),
        default=4096,
        show_default=True,
        help="Tokens that the KV pool holds.",
    ),
    row_slots_option,
    click.option(
        "--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Requests decoded at the same time."
    ),
    jump_forward_option,
    click.option(
        "--sequential",
        "is_compared",
        is_flag=True,
        help="Also decode each rendered answer by one thread, in turn, and report the measured speed-up.",
    ),
    threads_option,
)
free_options = option_group(
    click.option("--temperature", type=float, default=0.0, show_default=True, help="0 takes the likeliest token."),
    click.option(
        "--top-p", type=float, default=1.0, show_default=True, help="Draw from the likeliest tokens with this share."
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Each request draws as if it were the only one."
    ),
    click.option(
        "--max-tokens",
        type=int,
        default=512,
        show_default=True,
        help="Most tokens of the main thread, and of a branch.",
    ),
    click.option(
        "--branch-margin", type=int, metavar="N", help="Most tokens that a branch may take beyond its promise."
    ),
    click.option("--max-promises", type=int, metavar="N", help="Most promises of an answer; 0 forbids them."),
    click.option("--promise-by", type=int, metavar="N", help="Demand a first promise within N tokens."),
    click.option("--require-sync", is_flag=True, help="Demand a sync behind the last promise."),
    click.option("--distinct-topics", is_flag=True, help="Demand that no topic is promised twice before a sync."),
    click.option(
        "--mask/--no-mask",
        "is_masked",
        default=True,
        show_default=True,
        help="Whether ill-formed output is impossible.",
    ),
)
output_options = option_group(
    click.option("--format", "output_format", type=click.Choice(["json", "text"]), default="text", show_default=True),
    click.option(
        "--trace", "trace_path", type=click.Path(path_type=Path), help="Write all events as JSON Lines (pasta.trace/1)."
    ),
    click.option(
        "--timeline",
        "timeline_path",
        type=click.Path(path_type=Path),
        help="Draw who ran when in the first request, as PNG or SVG.",
    ),
)
