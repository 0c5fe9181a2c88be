"""Generate a main stream with transformers: `python transformers_generate.py FOLDER_OF_A_MODEL PROMPT`."""

import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

from pasta_toolkit.mask import Limits, compile_limited_mask, load_vocabulary
from pasta_toolkit.mask.adapters.transformers import PastaLogitsProcessor

folder, prompt = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(folder)

limits = Limits(max_tokens=200, max_promises=8, distinct_topics=True, require_sync=True)
mask = compile_limited_mask(load_vocabulary(tokenizer, num_logits=model.config.vocab_size), limits)
inputs = tokenizer(prompt, return_tensors="pt")
output = model.generate(**inputs, max_new_tokens=200, logits_processor=[PastaLogitsProcessor(mask, limits=limits)])
sys.stdout.write(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True) + "\n")
