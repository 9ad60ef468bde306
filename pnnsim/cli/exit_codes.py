"""Exit codes of the command line."""

from __future__ import annotations

#: The command did what it is for.
OK = 0
#: A fault of pnnsim; also a published figure that is not met (`verify`).
OURS = 1
#: An error of the user, shown as one message without a traceback.
USER = 2
#: Interrupted by Ctrl-C; 128 plus the number of the signal, as shells count.
INTERRUPTED = 130
