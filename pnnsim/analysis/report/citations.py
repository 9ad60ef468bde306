"""Find the works that sources cite, and write them as entries of BibTeX.

A source is a sentence that a description holds. A work is found in it by its form: authors, venue
and year between commas. Nothing is looked up, so that titles are missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Forms of an identifier of arXiv and of a DOI in a sentence.
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
DOI = re.compile(r"(?:doi:\s*|https?://doi\.org/)?\b(10\.\d{4,9}/[^\s,;()\"<>]+[^\s,;()\"<>.])")

#: Sources that name no work.
_OWN = ("default of pnnsim", "set by the user")
#: Class of a source before its sentence.
_CLASS = re.compile(r"^(law|derived|fit|fitted|chosen|assumed|published):\s*")
_NAME = r"(?:[A-Z]\. ?)*[A-Z][\w'’-]*[a-z][\w'’-]*(?: [A-Z][\w'’-]*[a-z][\w'’-]*){0,2}"
#: Authors at the end of a field: several, or two; a field that is one author; a year of its own.
_SEVERAL = re.compile(rf"({_NAME}) et al\.$")
_TWO = re.compile(rf"({_NAME}) and ({_NAME})$")
_ONE = re.compile(_NAME)
_OF = re.compile(rf"\bof ({_NAME})$")
_YEAR = re.compile(r"((?:19|20)\d\d)(?![-\d])\b")
_SPAN = re.compile(r".*[a-z] (?:19|20)\d\d-((?:19|20)\d\d)")


@dataclass(frozen=True, slots=True)
class Work:
    """Work that a source cites.

    Args:
        authors: Names as far as they are given; `others` stands for further ones.
        venue: Where it was published, with volume and page.
        year: Year.
        arxiv: Number at arXiv; empty where none is given.
        doi: DOI; empty where none is given.
    """

    authors: tuple[str, ...]
    venue: str
    year: str
    arxiv: str = ""
    doi: str = ""

    @property
    def key(self) -> str:
        """Return the name by which a text cites the work."""
        name = self.authors[0].split(" ")[-1] if self.authors else "anon"
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        place = re.sub(r"[^A-Za-z0-9]", "", self.venue)[:12].lower()
        return f"{re.sub('[^A-Za-z]', '', plain).lower()}{self.year}{place}"

    def entry(self) -> str:
        """Return the work as an entry of BibTeX."""
        fields = {
            "author": " and ".join(self.authors),
            "year": self.year,
            "howpublished": self.venue,
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
            "doi": self.doi,
        }
        lines = [f"  {name} = {{{_tex(text)}}}," for name, text in fields.items() if text]
        return "\n".join([f"@misc{{{self.key},", *lines, "}"])


def bibtex(sources: Iterable[str]) -> str:
    """Return an entry of BibTeX for each work that sources cite, sorted by key.

    Args:
        sources: Sentences that name works, such as `Lu et al., Opt. Express 24, 9295, 2016`.
    """
    return "\n\n".join(work.entry() for work in works(sources))


def works(sources: Iterable[str]) -> list[Work]:
    """Return the works that sources cite, each once, sorted by key.

    Args:
        sources: Sentences that name works.
    """
    found: dict[str, Work] = {}
    for text in sources:
        for work in () if text.startswith(_OWN) else _cited(text):
            known = found.get(work.key)
            if known is None or len(known.arxiv + known.doi) < len(work.arxiv + work.doi):
                found[work.key] = work
    signed = [work for work in found.values() if work.authors]
    return [
        work
        for _, work in sorted(found.items())
        if work.authors or not any(_same(work, other) for other in signed)
    ]


def _same(unsigned: Work, signed: Work) -> bool:
    """Return whether a work without authors is one of which the authors are known."""
    return unsigned.year == signed.year and signed.venue.lower().startswith(unsigned.venue.lower())


def _cited(text: str) -> Iterator[Work]:
    """Yield the works that a source names."""
    # Remarks in brackets may cite works themselves: they are sentences of their own.
    for clause in re.split(r"[;()]|: (?=[A-Z])", _CLASS.sub("", text)):
        fields: list[str] = []
        for field in clause.split(","):
            word = field.strip()
            year, span = _YEAR.match(word), _SPAN.fullmatch(word)
            if span is not None:
                fields.append(word)
            if year is None and span is None:
                fields.append(word)
                continue
            work = _work(fields, (year or span)[1], clause)  # type: ignore[index]
            fields = []
            if work is not None:
                yield work


def _work(fields: Sequence[str], year: str, clause: str) -> Work | None:
    """Return the work whose authors and venue stand before its year; None where they do not.

    Args:
        fields: What stands between commas before the year.
        year: The year.
        clause: Where all this stands.
    """
    authors, venue = _signed(fields)
    if not venue or not (authors or venue[0][:1].isupper()):
        return None
    arxiv, doi = ARXIV.search(", ".join(venue)), DOI.search(clause)
    place = ", ".join(venue) if arxiv is None else ARXIV.sub("arXiv", ", ".join(venue))
    return Work(
        authors, place.strip(" ,"), year, "" if arxiv is None else arxiv[1],
        "" if doi is None else doi[1],
    )  # fmt: skip


def _signed(fields: Sequence[str]) -> tuple[tuple[str, ...], Sequence[str]]:
    """Return the authors and what follows them; no authors where none are found."""
    for place in range(len(fields) - 1, -1, -1):
        several, two = _SEVERAL.search(fields[place]), _TWO.search(fields[place])
        if several is not None:
            return (several[1], "others"), fields[place + 1 :]
        if two is not None:
            return (two[1], two[2]), fields[place + 1 :]
    # A list of names; the last field is where it was published.
    last = next((i for i in range(len(fields) - 2, -1, -1) if _ONE.fullmatch(fields[i])), None)
    if last is None:
        return (), [field for field in fields if field][-3:]
    first = last
    while first > 0 and _ONE.fullmatch(fields[first - 1]):
        first -= 1
    # The first of them may end a sentence, as in "the correction of Shen, Harris, Nature, 2017".
    of = _OF.search(fields[first - 1]) if first > 0 else None
    before = () if of is None else (of[1],)
    return (*before, *fields[first : last + 1]), fields[last + 1 :]


def _tex(text: str) -> str:
    return re.sub(r"([&%$#_])", r"\\\1", text)
