"""Text and tokens: SmolLM2's own tokenizer, streams of whole characters, chat prompts as transformers makes them."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from reference_engine.errors import EngineError, ModelError
from reference_engine.model import save_folder
from reference_engine.model.gguf_tokenizer import embedded_tokenizer
from reference_engine.text import Tokenizer, load_tokenizer
from tests.support.engine_models import our_model, tiny_config

SMOLLM_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
END, START = "<|im_end|>", "<|im_start|>"
LACKING = "\x04\x06\x13\x14\x16\x1d"  # bytes that SmolLM2's vocabulary does not have; no others that are assigned
WRITABLE = st.characters(exclude_categories=["Cs", "Cn", "Co"], exclude_characters=LACKING)
TEXTS = st.text(WRITABLE, max_size=40) | st.sampled_from(
    ["a 👍🏽 b", "é" * 9, "漢字かな", "  two  ", f"{END} as text", "1234567"]
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXTS}),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    special = {"bos_token": START, "eos_token": END}
    return Tokenizer("smollm2", embedded_tokenizer(), (2,), SMOLLM_TEMPLATE, special)


@pytest.fixture(scope="module")
def theirs() -> PreTrainedTokenizerFast:
    made = PreTrainedTokenizerFast(tokenizer_object=embedded_tokenizer(), bos_token=START, eos_token=END)
    made.chat_template = SMOLLM_TEMPLATE
    return made


@given(text=TEXTS)
def test_a_text_comes_back_from_its_tokens(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_what_the_vocabulary_lacks_is_left_out(tokenizer):
    assert tokenizer.decode(tokenizer.encode(f"a{LACKING}b")) == "ab"


@given(text=TEXTS)
def test_no_text_becomes_a_control_token(tokenizer, text):
    control = {tokenizer.library.token_to_id(name) for name in (START, END)}
    assert not control & set(tokenizer.encode(text))


@given(text=TEXTS)
def test_a_stream_gives_out_the_whole_text_in_whole_characters(tokenizer, text):
    stream = tokenizer.stream()
    pieces = [stream.push(token) for token in tokenizer.encode(text)]
    assert "".join(pieces) + stream.finish() == text
    assert text.startswith("".join(pieces))


@settings(max_examples=300)
@given(tokens=st.lists(st.integers(0, 49151) | st.integers(17, 300), max_size=30))
def test_a_stream_of_any_tokens_is_what_they_decode_to_together(tokenizer, tokens):
    """Most such sequences are no UTF-8 somewhere."""
    stream = tokenizer.stream()
    pieces = [stream.push(token) for token in tokens]
    assert "".join(pieces) + stream.finish() == tokenizer.decode(tokens)
    assert stream.finish() == ""


def test_a_stream_waits_for_the_end_of_a_character(tokenizer):
    stream = tokenizer.stream()
    pieces = [stream.push(token) for token in tokenizer.encode("ok 👍")]
    assert pieces[0] == "ok"
    assert pieces[1:-1] == [""] * (len(pieces) - 2)
    assert pieces[-1] == " 👍"
    broken = tokenizer.stream()
    assert [broken.push(token) for token in tokenizer.encode("👍")[:-1]] == [""] * (len(tokenizer.encode("👍")) - 1)
    assert broken.finish() == "\ufffd"


@given(messages=MESSAGES, begins_reply=st.booleans())
def test_a_chat_is_the_prompt_that_transformers_makes(tokenizer, theirs, messages, begins_reply):
    expected = theirs.apply_chat_template(messages, add_generation_prompt=begins_reply)["input_ids"]
    assert tokenizer.chat(messages, begins_reply=begins_reply) == expected


def test_a_chat_has_the_default_system_prompt(tokenizer):
    prompt = tokenizer.chat([{"role": "user", "content": "Hi"}])
    text = tokenizer.library.decode(prompt, skip_special_tokens=False)
    system = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    assert text == f"{START}system\n{system}{END}\n{START}user\nHi{END}\n{START}assistant\n"


@pytest.fixture(scope="module")
def with_template(tokenizer):
    return lambda template: replace(tokenizer, chat_template=template)


def test_templates_may_loop_and_refuse_and_write_json(with_template):
    assert with_template("{{ {'a': '<'} | tojson }}").chat([]) == with_template('{"a": "<"}').chat([])
    looping = "{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ bos_token }}{% endfor %}"
    assert with_template(looping).chat([{"role": "user", "content": ""}] * 3) == [1]
    with pytest.raises(EngineError, match="the chat template refuses the messages: roles must alternate"):
        with_template("{{ raise_exception('roles must alternate') }}").chat([])


@pytest.mark.parametrize(
    "template",
    [
        "{% for",
        "{{ messages.nothing.at_all }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{% set _ = messages.append(1) %}",
        "{{ 1 / 0 }}",
        "{{ strftime_now('%Y') }}",
        "{% include '/etc/passwd' %}",
        "{{ 'x' * 'y' }}",
    ],
)
def test_a_broken_or_prying_template_is_one_clear_error(with_template, template):
    with pytest.raises(EngineError, match="the chat template refuses the messages"):
        with_template(template).chat([{"role": "user", "content": "Hi"}])


def test_the_date_is_only_what_the_caller_says(with_template):
    dated = with_template("{{ strftime_now('%d %b %Y') }}")
    assert dated.decode(dated.chat([], today=date(2024, 7, 26))) == "26 Jul 2024"


def test_a_model_without_a_template_says_so(with_template):
    with pytest.raises(EngineError, match="'smollm2' has no chat template; give it the whole prompt as text"):
        with_template(None).chat([])


@pytest.fixture
def folder(tmp_path) -> Path:
    save_folder(our_model(tiny_config("llama")), tmp_path)
    embedded_tokenizer().save(str(tmp_path / "tokenizer.json"))
    return tmp_path


def test_a_folder_brings_its_tokenizer_template_and_end_tokens(folder):
    content = {"bos_token": {"content": START, "lstrip": False}, "eos_token": END, "pad_token": None}
    templates = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "{{ bos_token }}"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({**content, "chat_template": templates}), encoding="utf-8")
    loaded = load_tokenizer(folder)
    assert (loaded.end_tokens, loaded.special) == ((2,), {"bos_token": START, "eos_token": END})
    assert loaded.chat([]) == [1]
    (folder / "chat_template.jinja").write_text("{{ eos_token }}", encoding="utf-8")
    assert load_tokenizer(folder).chat([]) == [2]


def test_a_prompt_begins_as_the_model_was_trained(folder):
    made = embedded_tokenizer()
    made.post_processor = tokenizers.processors.TemplateProcessing(single=f"{START} $A", special_tokens=[(START, 1)])
    made.save(str(folder / "tokenizer.json"))
    loaded = load_tokenizer(folder)
    assert loaded.encode_prompt("Hi") == [1, *loaded.encode("Hi")]


def test_a_broken_tokenizer_is_one_clear_error(folder):
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot read the tokenizer .*tokenizer\.json"):
        load_tokenizer(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"holds no tokenizer\.json"):
        load_tokenizer(folder)
