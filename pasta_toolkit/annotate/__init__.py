"""Plain answers to annotated ones, by structure alone."""
