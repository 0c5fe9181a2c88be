"""The native step: one C++ file, compiled at first use, that runs the Llama family at the memory's speed. Optional."""
