"""What tests of exports share."""

import contextlib
import os
from importlib import metadata

# Programs of single functions are compiled to be run once, so the time to optimise them is lost; see tests/oracles.
with contextlib.suppress(metadata.PackageNotFoundError):
    if metadata.version("jax") == "0.10.2":
        flags = "xla_llvm_disable_expensive_passes=true", "xla_cpu_use_fusion_emitters=false"
        os.environ.setdefault("XLA_FLAGS", " --".join(["--xla_backend_optimization_level=0", *flags]))
