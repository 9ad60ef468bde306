"""Hold the kinds of parts: one file a family, three views a kind (timing, values, cost)."""
