"""Main program of a worker process; `pnnsim.explore.workers` starts it, and no person does."""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection

from pnnsim.explore.workers import serve

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver is interrupted, and ends this process
    serve(Connection(int(sys.argv[1])))
