"""Works are found in the sentences of sources, each once, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from pnnsim.analysis.report.citations import bibtex, works
from pnnsim.analysis.report.sources import linked
from pnnsim.specs.hardware import available_specs, load_spec


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("Lu et al., Opt. Express 24, 9295, 2016 (6.7 dB over 7 stages)",
         [(("Lu", "others"), "Opt. Express 24, 9295", "2016")]),
        ("Caragiulo, Daigle, Murmann, DAC performance survey, 2021",
         [(("Caragiulo", "Daigle", "Murmann"), "DAC performance survey", "2021")]),
        ("chosen: the correction of Bandyopadhyay, Hamerly, Englund, Optica 8, 1247, 2021, is it",
         [(("Bandyopadhyay", "Hamerly", "Englund"), "Optica 8, 1247", "2021")]),
        ("Jouppi et al., ISCA, 2021 (int8, 7 nm); 0.23 pJ at 45 nm: Horowitz, ISSCC, 2014",
         [(("Horowitz",), "ISSCC", "2014"), (("Jouppi", "others"), "ISCA", "2021")]),
        ("Vlasov and McNab, Opt. Express, 2004", [(("Vlasov", "McNab"), "Opt. Express", "2004")]),
        ("assumed: 2 pA/Hz^0.5 at 2.5 GHz shown by Yang et al., IEEE LSSC, 2025, at more power",
         [(("Yang", "others"), "IEEE LSSC", "2025")]),
        ("derived: 69 pm/K (OSA Continuum 1, 703, 2018) and the cladding's part",
         [((), "OSA Continuum 1, 703", "2018")]),
        ("law: Murmann, ADC Performance Survey 1997-2025 (rev. 2025-06-09); median of 147 parts",
         [(("Murmann",), "ADC Performance Survey 1997-2025", "2025")]),
        ("law: twelve amplifiers, JSSC, LSSC and others, 2013-2026", []),
        ("assumed: a fast sample-and-hold", []),
        ("default of pnnsim", []),
    ],
)  # fmt: skip
def test_works_are_found_by_authors_venue_and_year(
    source: str, wanted: list[tuple[tuple[str, ...], str, str]]
) -> None:
    assert [(work.authors, work.venue, work.year) for work in works([source])] == wanted


def test_an_entry_of_bibtex_has_what_the_source_says() -> None:
    text = bibtex(["Luan et al., arXiv:2508.11146, 2025", "Luan et al., arXiv:2508.11146, 2025"])
    assert text.count("@misc{luan2025arxiv,") == 1
    for line in ("author = {Luan and others}", "eprint = {2508.11146}", "year = {2025}"):
        assert line in text
    assert "author = {A \\& B}" not in bibtex(["A & B, 2020"])


def test_every_published_value_of_a_shipped_machine_cites_a_work() -> None:
    for name in available_specs():
        spec = load_spec(name)
        cited = bibtex(spec.sources.values())
        entries = cited.count("@misc{")
        assert entries >= 3, name
        assert cited.count("{") == cited.count("}")


def test_links_lead_to_arxiv_and_dois_and_nothing_else() -> None:
    text = str(linked('arXiv:2508.11146, doi:10.1364/OE.24.009295 <b> "x" javascript:alert(1)'))
    assert 'href="https://arxiv.org/abs/2508.11146"' in text
    assert 'href="https://doi.org/10.1364/OE.24.009295"' in text
    assert text.count("<a ") == 2
    assert "<b>" not in text
