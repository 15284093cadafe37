"""Draw docs/images/phantom.png: one digital hip in MR, CT and labels, coronal, axial and sagittal.

Example: python docs/scripts/phantom_figure.py --out docs/images/phantom.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from preprocessing.phantom import (
    LABELS,
    HipAnatomy,
    SpoiledGradientEcho,
    acquire_ct,
    acquire_mr,
    ct_truth,
    draw_patient,
    draw_tissues,
    make_grid,
    make_texture,
    mr_truth,
    sample_anatomy,
)

SEED = 21
MR_WINDOW = (0, 115)
CT_WINDOW = (-150, 350)
# Stored axes that put the patient's right on the image's left and the head up: columns, rows, slices.
VIEWS = {
    "coronal": ("LIP", (320, 320), (0, 0, -15)),
    "axial": ("LPI", (400, 270), (0, 20, 2)),
    "sagittal": ("PIR", (270, 320), (-84, 20, -15)),
}
HEIGHTS = [320 / 320, 270 / 400, 320 / 270]


def scan(anatomy: HipAnatomy, view: str, size: int) -> list[np.ndarray]:
    """MR, CT and coloured labels of one slice of 2 mm; `size` pixels span 320 mm."""
    axes, extent, offset = VIEWS[view]
    pixel = 320 / size
    shape = (round(extent[0] / pixel), round(extent[1] / pixel), 1)
    centre = anatomy.head_midpoint() + np.array(offset)
    grid = make_grid(centre=centre, axes=axes, size=shape, spacing=(pixel, pixel, 2.0))
    model = draw_tissues(anatomy.patient)
    sample = sample_anatomy(anatomy, grid)
    texture = make_texture(sample, model)
    clean = mr_truth(sample, texture, model, SpoiledGradientEcho())
    mr = acquire_mr(clean, grid, np.random.default_rng(1)).image
    ct = acquire_ct(ct_truth(sample, texture, model), grid, np.random.default_rng(2))
    table = np.zeros((256, 3), np.uint8)
    for label in LABELS:
        table[label.id] = label.colour
    return [mr[0], ct[0], table[sample.label[0]]]


def draw(out: Path, size: int) -> None:
    """Draw and save the figure."""
    anatomy = HipAnatomy(draw_patient(SEED))
    figure, axes = plt.subplots(
        3, 3, figsize=(9, 9 / 3 * sum(HEIGHTS)), height_ratios=HEIGHTS, facecolor="black"
    )
    for row, view in zip(axes, VIEWS, strict=True):
        mr, ct, labels = scan(anatomy, view, size)
        row[0].imshow(mr, cmap="gray", vmin=MR_WINDOW[0], vmax=MR_WINDOW[1])
        row[1].imshow(ct, cmap="gray", vmin=CT_WINDOW[0], vmax=CT_WINDOW[1])
        row[2].imshow(labels)
        style = {"color": "gold", "fontsize": 9, "weight": "bold", "va": "top"}
        row[1].text(0.02 * mr.shape[1], 0.02 * mr.shape[0], view, **style)
        marks = ("A", "P") if view == "sagittal" else ("R", "L")
        for mark, place in zip(marks, (0.02, 0.95), strict=True):
            row[0].text(place * mr.shape[1], 0.02 * mr.shape[0], mark, **style)
        length = 50 * size / 320
        row[2].plot([8, 8 + length], [mr.shape[0] - 8] * 2, color="white", lw=2)
        row[2].text(
            8 + length / 2, mr.shape[0] - 12, "50 mm", color="white", ha="center", va="bottom", fontsize=7
        )
    for axis, title in zip(axes[0], ("MR", "CT", "labels"), strict=True):
        axis.set_title(title, color="white", fontsize=10)
    for axis in axes.ravel():
        axis.set_axis_off()
    figure.subplots_adjust(left=0, right=1, top=0.97, bottom=0, wspace=0.01, hspace=0.01)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=90)
    plt.close(figure)
    # 160 colours are enough for greys and labels, and keep the file small.
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(160, dither=Image.Dither.NONE).save(out, optimize=True)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "images" / "phantom.png")
    parser.add_argument("--size", type=int, default=256, help="pixels across 320 mm; small for a quick look")
    arguments = parser.parse_args()
    draw(arguments.out, arguments.size)


if __name__ == "__main__":
    mpl.use("Agg")
    main()
