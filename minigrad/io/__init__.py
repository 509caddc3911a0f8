"""Checkpoint files: named arrays and strings in one `.safetensors` file, and random generators as strings.

Plain functions on arrays; what the names mean is decided by those who call them: the checkpoints of modules and
optimisers, and weights to and from PyTorch.
"""

from minigrad.io.arrays import load_arrays as load_arrays
from minigrad.io.arrays import save_arrays as save_arrays
from minigrad.io.checkpoint import load_checkpoint as load_checkpoint
from minigrad.io.checkpoint import save_checkpoint as save_checkpoint
from minigrad.io.generator import generator_state as generator_state
from minigrad.io.generator import restore_generator as restore_generator
from minigrad.io.weights import load_weights as load_weights
from minigrad.io.weights import save_weights as save_weights
