"""Lets SmolLM2 write main and branch streams with and without the mask, and counts which are valid.

    python -m benchmarks.mask_generation MODEL.gguf ../shared/data/alpaca_eval_dev.jsonl --json out.json

The prompts are read from where they lie; two examples in front of each show the model the language. All temperatures,
masked and not, go on from one reading of the prompt, and every second main stream is made to begin with a promise, as
an engine may do. Under the mask a stream has a budget of tokens and is closed
within it; without the mask it is cut there. A stream is valid as far as it goes if every prefix could still become a
stream (judged by the mask's byte automaton), and complete if Lark parses it. Tokens a second are rows times steps by
the processor time of one thread, finished rows included: they are computed too. "With tags" counts streams that hold
the end of a tag.

transformers needs the package accelerate to read a GGUF file; the weights are kept in `--cache` as safetensors.
"""

import argparse
import copy
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from grammar import PastaSyntaxError, check_with_lark
from pasta_toolkit.mask import DEAD, Limits, TokenMask, compile_limited_mask, load_vocabulary
from pasta_toolkit.mask.adapters.transformers import PastaLogitsProcessor

MAIN = (
    'Q: How do I keep fit?\nA: Two things help.\n<promise topic="sport" tokens="40"/>\n<promise topic="good food" '
    'tokens="60"/>\n<sync/>\n\nQ: Which pet suits me?\nA: That depends.\n<promise topic="dogs" tokens="30"/>\n'
    '<promise topic="cats" tokens="30"/>\n<sync/>\n\nQ: {question}\nA:'
)
BRANCH = (
    "<async>Run or swim twice a week.</async>\n<async>Eat more greens and less sugar.</async>\n"
    '{question}\n<promise topic="first part" tokens="20"/>\n<async>'
)
EXAMPLES = {"main": MAIN, "branch": BRANCH}
BUDGETS = {"main": 40, "branch": 24}  # tokens
OPENING = '<promise topic="'
LONGEST_QUESTION = 120  # characters
EXTENSION = ".gguf"


@dataclass(slots=True)
class Tally:
    """What one way of decoding has written so far."""

    stream: str
    temperature: float
    is_masked: bool
    streams: int = 0
    valid_prefixes: int = 0
    complete: int = 0
    with_tags: int = 0
    tags: int = 0
    tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Rows times steps, by the processor time they took."""
        return self.tokens / self.seconds


def questions(path: Path, count: int) -> list[str]:
    """Return the first different questions, shortest first, so that batches hold questions of like lengths."""
    rows = (json.loads(line)["instruction"] for line in path.read_text("utf-8").splitlines())
    found = [" ".join(question.split())[:LONGEST_QUESTION] for question in dict.fromkeys(rows)][:count]
    return sorted(found, key=len)


def load_model(path: Path, cache: Path) -> tuple[Any, Any]:
    """Return the model in float32 and its tokenizer, from a folder or from a GGUF file that is converted once."""
    folder = path if path.is_dir() else cache / path.stem
    if not folder.is_dir():
        where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        read = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        config = transformers.LlamaConfig.from_dict(
            {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
        )
        plain = transformers.LlamaForCausalLM(config)
        plain.load_state_dict(read.state_dict())
        plain.save_pretrained(folder)
        transformers.AutoTokenizer.from_pretrained(**where).save_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left")
    tokenizer.pad_token_id = tokenizer.eos_token_id
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), tokenizer


class Batch:
    """Some prompts that the model has read; `decode` goes on from there as often as it is called."""

    def __init__(self, model: Any, tokenizer: Any, prompts: Sequence[str]) -> None:
        self.model = model
        self.opening = tokenizer(OPENING, add_special_tokens=False)["input_ids"]
        inputs = tokenizer(list(prompts), return_tensors="pt", padding=True)
        self.ids, self.attention = inputs["input_ids"], inputs["attention_mask"]
        read = model(**inputs, use_cache=True, logits_to_keep=1)
        self.logits, self.cache = read.logits[:, -1], read.past_key_values

    def decode(
        self, temperature: float, budget: int, *, processor: Any, ends: Sequence[int], opens: bool
    ) -> list[list[int]]:
        """Return what each row writes, its end token included; `opens` makes every second row begin with a promise."""
        cache, ids, attention, logits = copy.deepcopy(self.cache), self.ids, self.attention, self.logits
        has_ended = torch.zeros(len(ids), dtype=torch.bool)
        for step in range(budget):
            scores = processor(ids, logits) if processor else logits
            chosen = pick(scores, temperature).masked_fill(has_ended, ends[0])
            if opens and step < len(self.opening):
                chosen[1::2] = self.opening[step]
                has_ended[1::2] = False
            has_ended |= torch.isin(chosen, torch.tensor(ends))
            ids = torch.cat([ids, chosen[:, None]], dim=1)
            if step + 1 < budget:
                attention = torch.cat([attention, torch.ones_like(chosen[:, None])], dim=1)
                places = attention.cumsum(dim=1)[:, -1:] - 1
                read = self.model(
                    chosen[:, None],
                    attention_mask=attention,
                    position_ids=places,
                    past_key_values=cache,
                    use_cache=True,
                )
                logits = read.logits[:, -1]
        written: list[list[int]] = ids[:, self.ids.shape[1] :].tolist()
        return written


def pick(scores: torch.Tensor, temperature: float) -> torch.Tensor:
    """Choose one token a row: the likeliest at temperature 0, else by chance."""
    if temperature == 0:
        return scores.argmax(dim=-1)
    return torch.multinomial(torch.softmax(scores / temperature, dim=-1), 1)[:, 0]


def judge(mask: TokenMask, tally: Tally, written: Sequence[int]) -> None:
    """Count one stream."""
    ends = [place for place, token in enumerate(written) if token in mask.vocabulary.ends]
    tokens = written[: min(ends, default=len(written))]
    is_silent = any(not mask.vocabulary.tokens[token] for token in tokens)
    content = b"".join(mask.vocabulary.tokens[token] for token in tokens)
    begin = mask.automaton.begins[tally.stream]
    num_tags = content.count(b"/>") + content.count(b"</async>")
    tally.streams += 1
    tally.valid_prefixes += not is_silent and mask.automaton.walk(begin, content) != DEAD
    tally.complete += not is_silent and is_complete(content, tally.stream)
    tally.with_tags += num_tags > 0
    tally.tags += num_tags


def is_complete(content: bytes, stream: str) -> bool:
    """Ask Lark whether bytes are a whole stream."""
    try:
        check_with_lark(content.decode("utf-8"), form=stream)  # type: ignore[arg-type]
    except (UnicodeDecodeError, PastaSyntaxError):
        return False
    return True


def run(model: Any, tokenizer: Any, wanted: Sequence[str], options: argparse.Namespace, stream: str) -> list[Tally]:
    """Decode one kind of stream for all questions in all ways, batch by batch, so that a slow minute hits all ways."""
    limits = Limits(max_tokens=BUDGETS[stream])
    mask = compile_limited_mask(load_vocabulary("smollm2"), limits)
    tallies = [
        Tally(stream, temperature, is_masked) for temperature in options.temperatures for is_masked in (True, False)
    ]
    for start in range(0, len(wanted), options.batch):
        group = wanted[start : start + options.batch]
        batch = Batch(model, tokenizer, [EXAMPLES[stream].format(question=question) for question in group])
        for tally in tallies:
            processor = PastaLogitsProcessor(mask, stream=stream, limits=limits) if tally.is_masked else None
            begin = time.process_time()
            written = batch.decode(
                tally.temperature,
                BUDGETS[stream],
                processor=processor,
                ends=mask.vocabulary.ends,
                opens=stream == "main",
            )
            tally.seconds += time.process_time() - begin
            tally.tokens += len(written) * BUDGETS[stream]
            for row in written:
                judge(mask, tally, row)
        print(f"{stream}: {start + len(group)} of {len(wanted)}", file=sys.stderr)
    return tallies


def row_of(tally: Tally) -> dict[str, Any]:
    """Return what is written of a tally."""
    return {**asdict(tally), "seconds": round(tally.seconds, 1), "tokens_per_second": round(tally.tokens_per_second, 1)}


def main() -> None:
    """Run both streams at all temperatures, with and without the mask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a folder of transformers, or a GGUF file")
    parser.add_argument("questions", type=Path, help="JSON Lines with the field instruction")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.0, 0.7, 1.5])
    parser.add_argument("--cache", type=Path, default=Path("/tmp/mask_generation"))
    parser.add_argument("--quick", action="store_true", help="eight prompts")
    parser.add_argument("--json", metavar="FILE", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, tokenizer = load_model(options.model, options.cache)
    wanted = questions(options.questions, 8 if options.quick else options.prompts)
    with torch.inference_mode():
        rows = [row_of(tally) for stream in EXAMPLES for tally in run(model, tokenizer, wanted, options, stream)]
    for row in rows:
        print(json.dumps(row))
    if options.json:
        budgets = {"budgets": BUDGETS, "batch": options.batch, "model": options.model.name}
        options.json.write_text(json.dumps({**budgets, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
