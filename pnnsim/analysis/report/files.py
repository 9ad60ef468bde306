"""Write one text file, and say what went wrong where it cannot be written.

Folders are made and renamed by whoever owns the run, not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pnnsim.errors import OutputError


def write_pieces(path: Path, pieces: Iterable[str]) -> None:
    """Write pieces of text one after the other, as UTF-8 with newlines as they are.

    Args:
        path: File to write; its folder must exist.
        pieces: Text, without newlines added between the pieces.

    Raises:
        OutputError: If the file cannot be written.
    """
    try:
        # newline="": the same bytes on every system.
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); expected a file in a folder "
            "that exists and is writable. Hint: choose another folder"
        ) from error
