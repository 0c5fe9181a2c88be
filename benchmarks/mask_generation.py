"""Lets SmolLM2 write main streams with and without the mask, and counts how many are valid.

    python benchmarks/mask_generation.py MODEL.gguf ../shared/data/alpaca_eval_dev.jsonl --json out.json

The prompts are read from where they lie. The model is asked for the language by one example in its prompt. Under the
mask each stream has a budget of tokens, so that it is closed within it; without the mask it is cut there.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
import transformers

from grammar import is_valid
from pasta_toolkit.mask import Limits, TokenMask, compile_limited_mask, load_vocabulary
from pasta_toolkit.mask.adapters.transformers import PastaLogitsProcessor

EXAMPLE = (
    "Answer with placeholders for independent parts.\n\nQuestion: How do I keep fit?\nAnswer: Two things help."
    '\n<promise topic="sport" tokens="40"/>\n<promise topic="food" tokens="40"/><sync/>\nBoth take time.\n\n'
    "Question: {question}\nAnswer: Three things matter.\n"
)
LONGEST_QUESTION = 200  # characters


def prompts(path: Path, num_prompts: int) -> list[str]:
    """Return the prompts of the first different questions."""
    questions = dict.fromkeys(json.loads(line)["instruction"] for line in path.read_text("utf-8").splitlines())
    return [EXAMPLE.format(question=question[:LONGEST_QUESTION]) for question in list(questions)[:num_prompts]]


def generate(
    model: Any, tokenizer: Any, batch: list[str], *, temperature: float, budget: int, processors: list[Any]
) -> Any:
    """Return the ids written behind each prompt."""
    inputs = tokenizer(batch, return_tensors="pt", padding=True)
    sampling = {"do_sample": False} if temperature == 0 else {"do_sample": True, "temperature": temperature, "top_k": 0}
    with torch.inference_mode():
        ids = model.generate(**inputs, **sampling, max_new_tokens=budget, logits_processor=processors, pad_token_id=2)
    return ids[:, inputs["input_ids"].shape[1] :].tolist()


def text_of(mask: TokenMask, ids: list[int]) -> bytes:
    """Return what was written before the first end token."""
    ends = [ids.index(end) for end in mask.vocabulary.ends if end in ids]
    return b"".join(mask.vocabulary.tokens[token] for token in ids[: min(ends, default=len(ids))])


def is_valid_stream(content: bytes) -> bool:
    """Say whether bytes are a valid main stream."""
    try:
        return is_valid(content.decode("utf-8"), form="main")
    except UnicodeDecodeError:
        return False


def main() -> None:
    """Run all temperatures, with and without the mask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--budget", type=int, default=48)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.0, 0.7, 1.5])
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    torch.manual_seed(0)
    where = {"pretrained_model_name_or_path": str(options.model.parent), "gguf_file": options.model.name}
    tokenizer = transformers.AutoTokenizer.from_pretrained(**where, padding_side="left")
    model = transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()
    tokenizer.pad_token_id = 2
    limits = Limits(max_tokens=options.budget)
    mask = compile_limited_mask(load_vocabulary("smollm2"), limits)
    wanted = prompts(options.questions, options.prompts)
    rows = []
    for temperature in options.temperatures:
        for is_masked in (True, False):
            num_valid, num_tokens, with_tags, begin = 0, 0, 0, time.perf_counter()
            for start in range(0, len(wanted), options.batch):
                processors = [PastaLogitsProcessor(mask, limits=limits)] if is_masked else []
                batch = wanted[start : start + options.batch]
                for ids in generate(
                    model, tokenizer, batch, temperature=temperature, budget=options.budget, processors=processors
                ):
                    content = text_of(mask, ids)
                    num_valid += is_valid_stream(content)
                    with_tags += b"<promise" in content
                    num_tokens += len(ids)
            seconds = time.perf_counter() - begin
            row = {
                "temperature": temperature,
                "mask": is_masked,
                "streams": len(wanted),
                "valid": num_valid,
                "with_promises": with_tags,
                "tokens_per_second": num_tokens / seconds,
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
            if options.json:
                Path(options.json).write_text(json.dumps({"rows": rows}, indent=2))


if __name__ == "__main__":
    main()
