"""The compiler: a captured graph becomes a NumPy program. `compiled.py` is what users meet; read `rewrite.py` first."""
