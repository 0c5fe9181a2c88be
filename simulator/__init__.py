"""The discrete-event simulator's place; nothing is here yet."""
