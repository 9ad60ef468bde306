"""Hold the validated descriptions of every kind of part; nothing here computes or imports torch."""
