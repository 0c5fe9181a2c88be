"""The reference engine's place; nothing is here yet."""
