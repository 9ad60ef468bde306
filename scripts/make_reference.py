"""Write the pages of the documentation that follow from the code and the shipped machines.

python scripts/make_reference.py            write those that are out of date
python scripts/make_reference.py --check    say which are out of date; exit code 1 if any is
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference.assumptions import assumptions_page
from reference.commands import commands_page
from reference.experiments import experiments_page
from reference.laws import laws_page
from reference.parts import parts_page

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[Path, str]:
    """Return the content of every generated page."""
    return {
        DOCS / "reference" / "parts.md": parts_page(),
        DOCS / "reference" / "laws.md": laws_page(),
        DOCS / "reference" / "commands.md": commands_page(),
        DOCS / "reference" / "experiments.md": experiments_page(),
        DOCS / "assumptions.md": assumptions_page(),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them with what is there; return an exit code."""
    stale = [
        path
        for path, text in pages().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path}: out of date; run python scripts/make_reference.py\n")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
