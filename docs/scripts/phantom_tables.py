"""Write the tables of docs/phantom.md from the constants of the code, so that they cannot drift.

Example: python docs/scripts/phantom_tables.py          (a test runs it with --check)
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from preprocessing.dicom.stored_pixels import StoredPixels
from preprocessing.phantom import acquisition, muscles, patient, texture, tissue
from preprocessing.phantom.axial_scans import GANTRY_TILT, KINDS, SECTIONS, slice_gap
from preprocessing.phantom.dicom_scanning import CT_PIXELS
from preprocessing.phantom.labels import LABELS

PAGE = Path(__file__).parent.parent / "phantom.md"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(list(head)), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def labels() -> str:
    """The label table."""
    return table(("value", "structure"), ((label.id, label.name.replace("_", " ")) for label in LABELS))


def variances() -> str:
    """What differs from patient to patient."""
    rows = (
        (
            name.replace("_", " "),
            s.unit,
            f"{s.mean:g}",
            f"{s.sd:g}",
            f"{s.low:g} to {s.high:g}",
            f"{s.shift:+g}",
        )
        for name, s in patient.VARIANCES.items()
    )
    return table(("quantity", "unit", "mean", "SD", "limits", "CT adds at shift 1"), rows)


def tissues() -> str:
    """What each tissue is made of."""
    rows = (
        (
            kind.name.lower().replace("_", " "),
            f"{t.hu:g}",
            f"{t.t1:g}",
            f"{t.t2_star:g}",
            f"{t.proton_density:g}",
            f"{t.fat_fraction:g}",
        )
        for kind, t in tissue.TISSUES.items()
    )
    return table(("tissue", "HU", "T1 of water, ms", "T2*, ms", "proton density", "fat fraction"), rows)


def scanners() -> str:
    """Noise, bias and texture."""
    rows = (
        ("receiver gain, relative SD", f"{acquisition.GAIN_SD:g}"),
        ("MR noise per channel (fat is 100)", f"{acquisition.MR_NOISE:g}"),
        ("bias field, RMS of its logarithm", f"{acquisition.BIAS_RMS:g}"),
        (
            "bias field, wavelengths",
            f"{acquisition.BIAS_WAVELENGTH[0]:g} to {acquisition.BIAS_WAVELENGTH[1]:g} mm",
        ),
        ("CT noise", f"{acquisition.CT_NOISE[0]:g} ± {acquisition.CT_NOISE[1]:g} HU"),
        ("CT point spread, full width at half maximum", f"{acquisition.CT_PSF:g} mm"),
        ("CT number jitter of soft tissue between patients, SD", f"{tissue.HU_JITTER:g} HU"),
        ("T1, T2*, proton density, cortical HU between patients, relative SD", f"{tissue.RELATIVE_JITTER:g}"),
        ("marrow fat fraction between patients, SD", f"{tissue.MARROW_JITTER:g}"),
        ("marrow fat fraction from place to place, SD", f"{texture.MARROW_SD:g}"),
        ("slow drift of proton density, SD", f"{texture.SLOW_SD:g}"),
        ("slow drift of soft tissue's CT number, SD", f"{texture.SLOW_HU:g} HU"),
        ("fat planes' thickness from place to place, relative SD", f"{muscles.PLANE_VARIATION:g}"),
    )
    return table(("quantity", "value"), rows)


def ct_kinds() -> str:
    """How the CT of the DICOM export are scanned and stored."""
    gap = slice_gap(256)
    gaps = ", ".join(f"{gap * factor:g}" for _, factor in SECTIONS)
    scans = {
        "gaps": f"slices {gaps} mm apart (pelvis, femoral shaft, distal femur), padded round a circle",
        "tilted": f"gantry tilted by {GANTRY_TILT:g} degrees, slices {gap:g} mm apart along the table",
        "enhanced": f"one multi-frame object, frames in no order, slices {gap:g} mm apart",
        "regular": f"slices {gap:g} mm apart",
        "pair": f"slices {gap:g} mm apart",
    }
    who = {**{kind: f"CT patient {n}" for n, kind in enumerate(KINDS, start=1)}, "pair": "pairs"}
    who[KINDS[-1]] += " and all further ones"
    rows = ((who[kind], said, stored_as(CT_PIXELS[kind])) for kind, said in scans.items())
    return table(("who", "scanned (at `--size 256`)", "stored"), rows)


def stored_as(pixels: StoredPixels) -> str:
    """The storage of pixels in words."""
    sign = "signed" if pixels.signed else "unsigned"
    padding = "" if pixels.padding is None else f", padding {pixels.padding}"
    return f"{pixels.syntax}, {pixels.bits} bits {sign}, intercept {pixels.intercept:g}{padding}"


TABLES = {
    "labels": labels,
    "variances": variances,
    "tissues": tissues,
    "scanners": scanners,
    "ct kinds": ct_kinds,
}


def filled(text: str) -> str:
    """The page with every marked table made anew."""
    for name, make in TABLES.items():
        pattern = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
        rows = make()
        text, count = re.subn(pattern, rf"\g<1>{rows}\n\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE}: expected one table marked {name!r}, found {count}")
    return text


def main() -> int:
    """Write the page, or say whether it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page is stale")
    arguments = parser.parse_args()
    old = PAGE.read_text(encoding="utf-8")
    new = filled(old)
    if arguments.check:
        return int(old != new)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
