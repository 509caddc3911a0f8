"""Other people's programs as graphs: a JAX function, a PyTorch module; and Tensors in their functions: einops."""
