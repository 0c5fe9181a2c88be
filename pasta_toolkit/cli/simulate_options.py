"""The options of `pasta simulate`, in groups. Imports nothing but click, so that `--help` is fast."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = [
    "STRATEGIES",
    "cost_name",
    "device_options",
    "kv_slots_option",
    "load_options",
    "option_group",
    "output_options",
    "preemption_option",
    "replicas_option",
    "router_option",
    "serving_options",
    "strategy_options",
    "table_format_option",
]

# The names are written out here, so that --help need not import the simulator; a test holds them equal to its own.
STRATEGIES = (
    "sequential",
    "pasta",
    "skeleton-of-thought",
    "skeleton-of-thought-cached",
    "apar",
    "plan-then-fill",
    "speculative",
    "speculative-pasta",
)


def option_group(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that adds options in this order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def cost_name(options: dict[str, Any]) -> str:
    """Return the cost model that the device options ask for."""
    return options["cost_name"] or ("table" if options["kernel_tables"] else "fitted")


device_options = option_group(
    click.option(
        "--model", "model_name", default="gemma-7b", show_default=True, metavar="NAME|PATH", help="See pasta spec."
    ),
    click.option(
        "--hardware", "hardware_name", default="h100", show_default=True, metavar="NAME|PATH", help="See pasta spec."
    ),
    click.option("--tensor-parallel", type=int, default=1, show_default=True, help="Devices that share the model."),
    click.option(
        "--cost",
        "cost_name",
        type=click.Choice(["fitted", "roofline", "table"]),
        help="Cost model of a step: fitted to measured kernels, datasheet values alone, or measured kernels themselves,"
        " shipped for A100, B200, H100, H200 and L40S.  [default: table with --kernel-tables, else fitted]",
    ),
    click.option(
        "--kernel-tables",
        type=click.Path(path_type=Path),
        metavar="DIR|PREFIX",
        help="Your measured kernels of the device, or the start of the names of a served model's layer files.",
    ),
    click.option(
        "--engine-speed",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="Speed of the engine over that of its layers one by one, with such layers.",
    ),
)
kv_slots_option = click.option(
    "--kv-slots",
    type=int,
    help="Tokens that the KV cache holds (vLLM: its GPU blocks x 16). Default: what the device has room for.",
)
preemption_option = click.option(
    "--preemption",
    type=click.Choice(["recompute", "swap"]),
    default="recompute",
    show_default=True,
    help="What happens to the cache of a request that must go because slots run out.",
)
replicas_option = click.option(
    "--replicas", type=click.IntRange(min=1), default=1, show_default=True, help="Copies of the model."
)
router_option = click.option(
    "--router",
    type=click.Choice(["least-loaded", "prefix-aware", "round-robin"]),
    default="least-loaded",
    show_default=True,
    help="Which replica gets a request; prefix-aware: that which has most of the prompt cached.",
)
table_format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["csv", "json", "markdown", "text"]),
    default="text",
    show_default=True,
)
strategy_options = option_group(
    click.option(
        "--strategy",
        "strategies",
        type=click.Choice([*STRATEGIES, "all"]),
        multiple=True,
        metavar="NAME",
        help=f"May be given several times: {', '.join(STRATEGIES)}, or all.  [default: sequential, pasta]",
    ),
    click.option("--jump-forward", is_flag=True, help="Append forced tokens of tags without a step of their own."),
    click.option("--draft-tokens", type=int, default=4, show_default=True, help="Speculative: tokens a draft."),
    click.option("--acceptance", type=float, default=0.7, show_default=True, help="Speculative: share accepted."),
    click.option(
        "--draft-cost", type=float, default=0.05, show_default=True, help="Speculative: share of a step, a token."
    ),
)
serving_options = option_group(
    click.option(
        "--kv-layout",
        type=click.Choice(["copied", "interleaved", "paged"]),
        default="interleaved",
        show_default=True,
        help="What a fork and a join do to the KV cache.",
    ),
    kv_slots_option,
    preemption_option,
    click.option(
        "--prefix-cache",
        is_flag=True,
        help="Prompts are not fed as far as a recorded load says that they share blocks, nor again after preemption"
        " what nobody has overwritten.",
    ),
    click.option("--max-lanes", type=int, help="Most threads in a step."),
    click.option("--max-batched-tokens", type=int, help="Most tokens in a step; longer prompts are fed in chunks."),
    click.option("--max-threads", type=int, help="Most threads of one request in a step."),
    click.option("--serialise-above", type=int, help="One thread a request when more requests than this run."),
    click.option(
        "--order",
        type=click.Choice(["critical-path", "first-come", "shortest-remaining"]),
        default="first-come",
        show_default=True,
        help="Which threads go first where not all fit into a step.",
    ),
)
load_options = option_group(
    click.option("--rate", "rates", type=float, multiple=True, help="Arrivals a second; several give a load curve."),
    click.option("--requests", "num_requests", type=int, default=500, show_default=True, help="Arrivals at each rate."),
    click.option(
        "--arrivals",
        type=click.Choice(["bursts", "even", "poisson"]),
        default="poisson",
        show_default=True,
        help="How they come.",
    ),
    click.option("--burstiness", type=float, default=4.0, show_default=True, help="Squared variation of bursts' gaps."),
    click.option(
        "--load-file",
        type=click.Path(path_type=Path),
        help="A recorded load (Azure, Mooncake, vLLM, own CSV): its first --requests arrivals; --rate stretches them.",
    ),
    replicas_option,
    router_option,
    click.option(
        "--slo-ttft",
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds to the first token; good are requests that meet all objectives.",
    ),
    click.option(
        "--slo-tpot", type=click.FloatRange(min=0, min_open=True), help="Seconds for each further token of the answer."
    ),
    click.option(
        "--slo-latency", type=click.FloatRange(min=0, min_open=True), help="Seconds from arrival to completion."
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="For arrivals and drafts."),
)
output_options = option_group(
    table_format_option,
    click.option("--html", "html_path", type=click.Path(path_type=Path), help="Write a report as one HTML file."),
    click.option("--plots", "plots_path", type=click.Path(path_type=Path), help="Write plots as SVG into a folder."),
    click.option(
        "--chrome-trace", "trace_path", type=click.Path(path_type=Path), help="Write a timeline for Perfetto."
    ),
    click.option("--trace", "events_path", type=click.Path(path_type=Path), help="Write its events as JSON Lines."),
    click.option("--timeline", "timeline_name", help="The answer to show as a timeline, by its name in the rows."),
)
