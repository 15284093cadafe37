"""The page for looking over a cohort is whole in itself, says what failed first, and names nobody."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from small_cohort import STEPS, preparation, spoil, write_source

from evaluation.figures.overview import write_overview
from preprocessing.cohort import CohortError, read_cohort, write_cohort
from preprocessing.provenance import read_provenance, record_path, write_provenance


class Page(HTMLParser):
    """Tags and texts of a page, in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def folder(tmp_path):
    """A prepared cohort of which one case failed, and two were warned of: metal, a short field of view."""
    source = write_source(tmp_path / "source")
    cases = [replace(case, patient=f"DOE^{case.patient}") for case in read_cohort(source)]
    write_cohort(source / "cohort.csv", cases)
    spoil(source / "mr_1.nii.gz")
    preparation(source, steps=STEPS).run()
    path = record_path(tmp_path / "out" / "ct_1.nii.gz")
    write_provenance(path, replace(read_provenance(path), warnings=("metal: <1 mL> & more",)))
    return tmp_path / "out"


def test_every_case_is_there_once_and_what_failed_comes_first(folder):
    page = Page(write_overview(folder).read_text())
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert images == [f"overview/{name}.jpg" for name in ("ct_1", "ct_2", "mr_2")], "warned first"
    assert all((folder / image).is_file() for image in images)
    assert all(attributes["loading"] == "lazy" for tag, attributes in page.tags if tag == "img")
    heads = [text for text in page.texts if re.fullmatch(r"[A-Z][a-z ]+: \d+", text)]
    sections = ["Failed: 1", "Prepared with warnings: 2", "Prepared: 1"]
    assert heads == sections * 2, "links, then sections"
    assert "metal: <1 mL> & more" in page.texts
    assert page.texts.index("mr_1") < page.texts.index("ct_1")
    assert any("expected finite voxels" in text for text in page.texts)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{attributes['id']}" for tag, attributes in page.tags if tag == "h2"]


def test_it_loads_nothing_from_anywhere_and_names_no_patient_and_no_source(folder, tmp_path):
    text = write_overview(folder).read_text()
    assert "<script" not in text
    assert "http" not in text
    assert "DOE" not in text
    assert str(tmp_path) not in text
    assert not [
        attributes for _, attributes in Page(text).tags if any(name.startswith("on") for name in attributes)
    ]


def test_pairs_that_were_not_accepted_are_listed(folder):
    report = json.loads((folder / "overview" / "report.json").read_text())
    pair = {"case": "ct_2", "fixed": "mr_2", "verdict": "review", "reasons": ["Dice 0.7", "folding"]}
    accepted = {"case": "ct_9", "fixed": "mr_9", "verdict": "accept", "reasons": []}
    report["pairs"] = [pair, accepted]
    (folder / "overview" / "report.json").write_text(json.dumps(report))
    page = Page(write_overview(folder).read_text())
    texts = page.texts
    assert "Registrations not accepted: 1" in texts
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert images[:2] == ["overview/mr_2.jpg", "overview/ct_2.jpg"], "both, to be compared"
    assert "onto mr_2: review" in texts
    assert "Dice 0.7; folding" in texts
    assert "ct_9" not in texts


def test_a_cohort_without_report_or_pictures_can_be_looked_over_too(folder):
    (folder / "overview" / "report.json").unlink()
    (folder / "overview" / "mr_2.jpg").unlink()
    (folder / "ct_2.json").unlink()
    texts = Page(write_overview(folder).read_text()).texts
    assert "no picture" in texts
    assert "no record of its preparation stands beside it" in texts


def test_without_a_table_there_is_nothing_to_look_over(tmp_path):
    with pytest.raises(CohortError, match="expected a readable table"):
        write_overview(tmp_path)
