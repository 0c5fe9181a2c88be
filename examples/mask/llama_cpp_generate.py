"""Generate a branch with llama-cpp-python under the mask: `python llama_cpp_generate.py MODEL.gguf PROMPT`."""

import sys

from llama_cpp import Llama, LogitsProcessorList

from pasta_toolkit.mask import Limits, compile_limited_mask, load_vocabulary
from pasta_toolkit.mask.adapters.llama_cpp import PastaLlamaProcessor

path, prompt = sys.argv[1:]
model = Llama(path, verbose=False)
limits = Limits(max_tokens=200)
mask = compile_limited_mask(load_vocabulary(path, num_logits=model.n_vocab()), limits)
processors = LogitsProcessorList([PastaLlamaProcessor(mask, stream="branch", limits=limits)])
answer = model.create_completion(f"{prompt}<async>", max_tokens=limits.max_tokens, logits_processor=processors)
sys.stdout.write(answer["choices"][0]["text"] + "\n")
