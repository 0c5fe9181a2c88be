"""Generate main streams with vLLM under the mask: `python vllm_generate.py MODEL PROMPT...`.

The class fits vLLM's model runner V2. For the older one, take `batch_processor_class` of `adapters.vllm_v1`.
"""

import sys

from vllm import LLM, SamplingParams

from pasta_toolkit.mask import compile_mask, default_cache_folder, load_vocabulary
from pasta_toolkit.mask.adapters.vllm import STREAM_ARGUMENT, processor_class

model, *prompts = sys.argv[1:]
mask = compile_mask(load_vocabulary(model), cache=default_cache_folder())
llm = LLM(model=model, logits_processors=[processor_class(mask)])
sampling = SamplingParams(max_tokens=200, extra_args={STREAM_ARGUMENT: "main"})
for output in llm.generate(prompts, sampling):
    sys.stdout.write(output.outputs[0].text + "\n")
