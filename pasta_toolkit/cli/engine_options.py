"""The options that make an engine, for all commands that need one. Imports nothing but click, so `--help` is fast."""

import click

from pasta_toolkit.cli.simulate_options import option_group

__all__ = ["jump_forward_option", "model_options", "positions_option", "row_slots_option", "threads_option"]

model_options = option_group(
    click.option(
        "--model",
        "model_source",
        default="smollm2",
        show_default=True,
        metavar="NAME|PATH",
        help="A fetched model (see pasta model), a folder with safetensors, or a GGUF file.",
    ),
    click.option(
        "--device", default="auto", show_default=True, help="cpu, cuda, cuda:N; auto takes a GPU if there is one."
    ),
    click.option(
        "--dtype",
        type=click.Choice(["auto", "bfloat16", "float32"]),
        default="auto",
        show_default=True,
        help="Type of weights and KV cache; auto is bfloat16 where the device multiplies it fast.",
    ),
    click.option(
        "--step",
        type=click.Choice(["auto", "cpu", "cuda", "native", "native-int8", "readable"]),
        default="auto",
        show_default=True,
        help="What runs the model; auto takes the fastest: cuda on a GPU; on a CPU native, which is compiled at first "
        "use and runs bfloat16 weights of the Llama family, else cpu, which is PyTorch's.",
    ),
    click.option(
        "--layout",
        type=click.Choice(["copied", "interleaved", "paged"]),
        default="interleaved",
        show_default=True,
        help="How threads lie in the KV pool; a profile holds for one layout.",
    ),
)
threads_option = click.option(
    "--threads",
    "num_cpu_threads",
    type=click.IntRange(min=1),
    help="Threads of PyTorch. Default: the physical cores.",
)
row_slots_option = click.option(
    "--row-slots",
    type=click.IntRange(min=1),
    default=1024,
    show_default=True,
    help="Layout copied: tokens that the row of a thread holds.",
)
positions_option = click.option(
    "--positions",
    default="predicted",
    show_default=True,
    metavar="fixed:N|oracle|predicted|shared",
    help="Positions that a promise reserves; oracle needs documents.",
)
jump_forward_option = click.option(
    "--jump-forward", is_flag=True, help="Append tokens of tags that can only follow without a step of their own."
)
