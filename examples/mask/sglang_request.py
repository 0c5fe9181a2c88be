"""Ask an SGLang server for a main stream under the mask: `python sglang_request.py URL TOKENIZER PROMPT`.

The server runs with `--enable-custom-logit-processor --disable-overlap-schedule` where this project is installed.
"""

import json
import sys
from urllib.request import Request, urlopen

from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor

from pasta_toolkit.mask.adapters.sglang import PastaLogitProcessor


class MaskedProcessor(PastaLogitProcessor, CustomLogitProcessor):
    """SGLang sends this class to the server."""


url, tokenizer, prompt = sys.argv[1:]
content = {
    "text": prompt,
    "custom_logit_processor": MaskedProcessor.to_str(),
    "sampling_params": {
        "max_new_tokens": 200,
        "custom_params": {"pasta_tokenizer": tokenizer, "pasta_stream": "main"},
    },
}
request = Request(f"{url}/generate", json.dumps(content).encode(), {"Content-Type": "application/json"})  # noqa: S310
with urlopen(request) as answer:  # noqa: S310
    sys.stdout.write(json.load(answer)["text"] + "\n")
