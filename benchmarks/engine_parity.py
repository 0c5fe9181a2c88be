"""Does the engine decode what transformers decodes? SmolLM2 in float32, greedy, token for token.

    pasta model fetch
    python -m benchmarks.engine_parity [--quick] [--json FILE]

Ours is the readable step over a pool, theirs `generate` with its dynamic cache. A ratio of 1 says that all tokens
agree; a prompt whose first difference is at token k counts the k tokens before it. `--quick` decodes two prompts to 40
tokens.
"""

from collections.abc import Iterator

import torch
from transformers import AutoModelForCausalLM

from benchmarks.common import Plan, Row, run_main
from reference_engine.model import load_model
from reference_engine.model.known import known_folder
from reference_engine.text import load_tokenizer
from tests.support.engine_greedy import greedy_tokens

MODEL = "smollm2"
NUM_TOKENS, NUM_QUICK_TOKENS, NUM_QUICK_PROMPTS = 200, 40, 2
PROMPTS = (
    "List three ways to save water at home.",
    "Write a short poem about a lighthouse.",
    "Explain how a bicycle stays upright.",
    "What are the main causes of the French Revolution?",
    "Give me a recipe for a simple vegetable soup.",
    "How do I sort a list of numbers in Python?",
    "Describe the water cycle to a ten-year-old.",
    "Compare cats and dogs as pets.",
    "Write an email that asks for a day off.",
    "What should I pack for a week in the mountains?",
    "Translate 'good morning' into five languages.",
    "Why is the sky blue?",
    "Suggest five names for a bakery.",
    "What is the difference between weather and climate?",
    "Tell me a story about a lost umbrella.",
    "How can I learn to play the guitar?",
    "Summarise the plot of Romeo and Juliet.",
    "What are prime numbers? Name the first ten.",
    "Give pros and cons of working from home.",
    "How does a vaccine work?",
)


def equal_beginning(ours: list[int], theirs: list[int]) -> int:
    """Count the tokens before the first difference."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(ours), len(theirs)))


@torch.no_grad()
def parity(plan: Plan) -> Iterator[Row]:
    """Yield a row for each prompt, and one for all."""
    torch.set_num_threads(1)
    prompts = PROMPTS[:NUM_QUICK_PROMPTS] if plan.is_quick else PROMPTS
    num_tokens = NUM_QUICK_TOKENS if plan.is_quick else NUM_TOKENS
    model, tokenizer = load_model(MODEL), load_tokenizer(MODEL)
    peer = AutoModelForCausalLM.from_pretrained(known_folder(MODEL), dtype=torch.float32)
    num_equal = num_all = 0
    for text in prompts:
        prompt = tokenizer.chat([{"role": "user", "content": text}])
        theirs = peer.generate(torch.tensor([prompt]), max_new_tokens=num_tokens, do_sample=False)[0, len(prompt) :]
        ours = greedy_tokens(model, prompt, num_tokens=num_tokens)
        equal = equal_beginning(ours, theirs.tolist())
        num_equal, num_all = num_equal + equal, num_all + len(theirs)
        yield _row(text[:28], equal, len(theirs))
    yield _row(f"{len(prompts)} prompts", num_equal, num_all)


def _row(case: str, equal: int, all_tokens: int) -> Row:
    peer = "transformers generate"
    return Row.of(case, "equal tokens", unit="", ours=equal, peer=peer, theirs=all_tokens)


if __name__ == "__main__":
    run_main("Greedy decoding against transformers, token for token.", parity)
