"""Write the page and the picture of the demonstration from its folder.

Run it after `make demo`: `python docs/scripts/demo_page.py runs/demo`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

DOCS = Path(__file__).resolve().parents[1]

MEANINGS = {
    "translation": "CycleGAN trained without pairs",
    "supervised_bound": "the same generator trained on true pairs",
    "lut": "best context-free map, fitted on true pairs of training patients",
    "mean_target": "mean of the training CT, the same for every patient",
    "mean_windowed_target": "the same of CT clipped to the window first, a stronger answer",
    "input": "the MR in its own window",
}
"""What each answer is."""

BEATEN = "It beats the best map that knows no context."
NOT_BEATEN = "The best context-free map, which was fitted on true pairs, is still better."

PAGE = """# The demonstration

What `make demo` leaves: {patients} digital hips never seen in training, 64 x 64 pixels of 5 mm, 19 coronal
slices of 4 mm. Windowed mean absolute error in grey levels 0..255 of [-150, 350] HU against the noise-free
truth, inside the body; mean over patients of one trained model,
with its 95 % bootstrap interval over patients.

| answer | MAE | 95 % interval | is |
|---|---|---|---|
{rows}

The translation's error is {ratio_to_naive:.2f} of that of the better of `input` and `mean_target`,
{ratio_to_mean_windowed_target:.2f} of that of `mean_windowed_target` and {ratio_to_lut:.2f} of that of `lut`.
{verdict}

![MR, synthetic CT, true CT, error and supervised bound of four patients](../images/demo.png)

One phantom, one seed, a narrow network and a few minutes: this shows that the whole way works, not how well
real hips would be translated.

The quick start's settings were chosen on phantoms of other seeds. Made by `make demo` (seed {seed}) in
{minutes:.1f} minutes without installation, revision {revision}, {system}, torch {torch}, {threads} thread(s)
for each training.
"""


def write_page(summary: Mapping[str, Any], page: Path) -> None:
    """Write the page of a demonstration from its summary."""
    about = summary["environment"]
    verdict = BEATEN if summary["ratio_to_lut"] < 1 else NOT_BEATEN
    page.write_text(
        PAGE.format(
            patients=len(summary["patients"]),
            rows="\n".join(_row(summary, name) for name in sorted(MEANINGS, key=summary["mean"].get)),
            verdict=verdict,
            minutes=summary["seconds"] / 60,
            revision=about["revision"],
            system=about["system"],
            torch=about["versions"]["torch"],
            threads=about["threads"],
            **{
                name: summary[name]
                for name in ("ratio_to_naive", "ratio_to_mean_windowed_target", "ratio_to_lut", "seed")
            },
        )
    )


def _row(summary: Mapping[str, Any], name: str) -> str:
    low, high = summary["interval_95"][name]
    return f"| `{name}` | {summary['mean'][name]:.1f} | {low:.1f} to {high:.1f} | {MEANINGS[name]} |"


def main() -> None:
    """Write docs/results/demo.md and docs/images/demo.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="the demonstration's folder, runs/demo")
    parser.add_argument("--docs", type=Path, default=DOCS, help="documentation folder to write to")
    arguments = parser.parse_args()
    summary = json.loads((arguments.demo / "summary.json").read_text())
    for folder in ("results", "images"):
        (arguments.docs / folder).mkdir(parents=True, exist_ok=True)
    write_page(summary, arguments.docs / "results" / "demo.md")
    # 256 colours are plenty for grey images and one colour bar, and a third of the size.
    with Image.open(arguments.demo / "demo.png") as picture:
        picture.convert("RGB").quantize(256).save(arguments.docs / "images" / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
