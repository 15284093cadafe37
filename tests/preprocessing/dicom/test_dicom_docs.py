"""The page on DICOM tells every reason for refusal, in the words of the code."""

from preprocessing.dicom.errors import REASONS


def test_the_page_lists_every_reason(repository):
    page = (repository / "docs" / "dicom.md").read_text(encoding="utf-8")
    told = [line.split("|") for line in page.splitlines() if line.startswith("| `")]
    assert {code.strip(" `"): meaning.strip() for _, code, meaning, _ in told} == dict(REASONS)
