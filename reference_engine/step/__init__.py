"""One forward pass over the KV pool: the readable one, the oracle, and the fast ones for CPU and CUDA."""
