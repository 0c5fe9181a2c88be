"""The real default model: the readable step decodes what transformers' own generate does, token for token."""

import pytest
import torch

from reference_engine.errors import ModelError
from reference_engine.model import Model, load_model
from reference_engine.model.known import known_folder
from reference_engine.text import load_tokenizer
from tests.support.engine_greedy import greedy_tokens
from tests.support.engine_models import read_hf_model

PROMPTS = ("List three ways to save water at home.", "Write a short poem about a lighthouse.")
NUM_TOKENS = 40


@pytest.fixture(scope="module")
def model() -> Model:
    try:
        return load_model("smollm2")
    except ModelError:
        pytest.skip("SmolLM2 is not fetched: pasta model fetch")


def test_greedy_decoding_equals_transformers_token_for_token(model):
    tokenizer, theirs = load_tokenizer("smollm2"), read_hf_model(known_folder("smollm2"))
    for text in PROMPTS:
        prompt = tokenizer.chat([{"role": "user", "content": text}])
        with torch.no_grad():
            expected = theirs.generate(torch.tensor([prompt]), max_new_tokens=NUM_TOKENS, do_sample=False)[0]
        assert greedy_tokens(model, prompt, num_tokens=NUM_TOKENS) == expected[len(prompt) :].tolist()
