"""Generate a branch with llama-cpp-python under the mask: `python llama_cpp_generate.py MODEL.gguf PROMPT`."""

import sys

from llama_cpp import Llama, LogitsProcessorList

from pasta_toolkit.mask import compile_mask, load_vocabulary
from pasta_toolkit.mask.adapters.llama_cpp import PastaLlamaProcessor

path, prompt = sys.argv[1:]
model = Llama(path, verbose=False)
mask = compile_mask(load_vocabulary(path, num_logits=model.n_vocab()))
processors = LogitsProcessorList([PastaLlamaProcessor(mask, stream="branch")])
answer = model.create_completion(f"{prompt}<async>", max_tokens=200, logits_processor=processors)
sys.stdout.write(answer["choices"][0]["text"] + "\n")
