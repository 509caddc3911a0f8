"""What the engine stands on and what knows nothing of it: nested structures, calling habits, read-only arrays."""
