"""Free decoding on tiny random models that have SmolLM2's vocabulary: the tokenizer, the rules, a loop."""

import gzip
from functools import cache
from importlib.resources import files
from itertools import pairwise

import tokenizers
import torch

from reference_engine.free import FreeDecoder
from reference_engine.free_options import FreeOptions
from reference_engine.free_rules import FreeRules
from reference_engine.loop import Job
from reference_engine.sampler import Sampling
from reference_engine.step.readable import readable_step
from reference_engine.text import Tokenizer
from tests.support.engine_models import our_model, tiny_config
from tests.support.engine_runs import loop_for

__all__ = [
    "END",
    "NUM_LOGITS",
    "PROMPT",
    "free_job",
    "free_loop",
    "free_rules",
    "options",
    "run_free",
    "tag_loving_step",
    "tiny_model",
    "tokenizer",
]

NUM_LOGITS = 49152
END = 2
PROMPT = (1, 4093, 198, 19556)
SMALLEST = {"num_layers": 1, "num_heads": 2, "num_kv_heads": 1, "head_dim": 8, "intermediate_size": 16}


@cache
def tokenizer():
    packed = files("pasta_toolkit.tokens").joinpath("data/smollm2.json.gz").read_bytes()
    return Tokenizer("smollm2", tokenizers.Tokenizer.from_str(gzip.decompress(packed).decode()), (END,))


@cache
def tiny_model():
    """A model whose output is nearly even over the vocabulary: it writes anything."""
    return our_model(
        tiny_config("llama", vocabulary_size=NUM_LOGITS, hidden_size=16, has_tied_embedding=False, **SMALLEST)
    )


@cache
def free_rules(*, jump_forward=False):
    return FreeRules(tokenizer(), num_logits=NUM_LOGITS, jump_forward=jump_forward)


def options(*, seed=0, temperature=1.0, top_p=1.0, **others):
    return FreeOptions(
        **{"max_tokens": 40, "max_branch_tokens": 12} | others, sampling=Sampling(temperature, top_p, seed)
    )


def free_job(name="a", *, jump_forward=False, prompt=PROMPT, **chosen):
    return Job(name, FreeDecoder(prompt, free_rules(jump_forward=jump_forward), options=options(**chosen)))


@cache
def _habits():
    """What the models of these tests like to write next, by the newest token; all other tokens stay possible."""
    texts = (
        ' and<promise topic="a b" tokens="10"/>',
        ' the <promise topic="x" tokens="20"/> then',
        "/> and<sync/> then",
        " then <sync/> the",
        " then.</async>",
        " é</async>",
        " 漢 & a < b &lt;sync/> &amp;lt;async> é.",
    )
    return [tokenizer().encode(text) for text in texts]


def tag_loving_step(model, storage, batch):
    """The readable step of a model that has seen tags, and little else."""
    logits = 0.2 * readable_step(model, storage, batch)
    newest = batch.tokens[batch.outputs].tolist()
    logits[:, [tokens[0] for tokens in _habits()]] += 9.0
    logits[:, END] += 9.0
    for row, token in enumerate(newest):
        logits[row, [after for habit in _habits() for before, after in pairwise(habit) if before == token]] += 14.0
    return logits


def free_loop(*, step=tag_loving_step, **options):
    return loop_for(tiny_model(), step=step, **options)


def run_free(loop, jobs, *, record=None):
    with torch.inference_mode():
        return loop.run(jobs, record=record)
