"""Token counts: exact with a tokenizer, or an estimate that says so."""

from pasta_toolkit.tokens.counter import DEFAULT_TOKENIZER, TokenCounter, TokenizerError, WordEstimate, load_counter

__all__ = ["DEFAULT_TOKENIZER", "TokenCounter", "TokenizerError", "WordEstimate", "load_counter"]
