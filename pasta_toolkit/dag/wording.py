"""How numbers of tokens are spoken of: exact or estimated, never one passed off as the other."""

__all__ = ["counted_with"]

ESTIMATE = "estimate"


def counted_with(tokenizer: str, *, is_exact: bool) -> str:
    """Name what counted the tokens, and say whether it is exact.

    >>> counted_with("smollm2", is_exact=True)
    'smollm2 (exact)'
    """
    if is_exact:
        return f"{tokenizer} (exact)"
    return tokenizer if ESTIMATE in tokenizer else f"{tokenizer} (an {ESTIMATE})"
