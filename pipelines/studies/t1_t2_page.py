"""The T1 to T2 study as a page of the documentation, with its pictures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from evaluation.figures.rows import PictureRow, picture_rows
from pipelines.studies.t1_t2_answers import JudgedCase

SHOWN_SLICE = 0.53
"""Place of the shown slice in the stack: the lateral ventricles, in a stack centred on the head."""

LINE = 105
"""Longest line of a paragraph that is put together here."""

ANSWERS = {
    "translation": "translation, unpaired",
    "input": "`input`: the T1 itself",
    "mean_target": "`mean_target`: mean training T2",
    "lut": "`lut`: best context-free map",
    "supervised_bound": "`supervised_bound`: same generator on true pairs",
}
"""Names in the tables."""

PAGE = """# T1 to T2 on real heads, n = {n}

Head MR of the open MS data (Lesjak et al. 2018, doi:10.1007/s12021-017-9348-7, CC-BY): T1 of five
patients, T2 of three. Each patient with both is left out once, from everything; the others' scans
train without pairs. With three patients there are no p-values, and differences of a few grey levels
mean nothing.

![T1, synthetic T2, recovered T1 and true T2 of the three patients](../images/t1_t2.png)

{verdict}

As a reader of scans sees it: the heads are upright and not mirrored. Scalp and bone have the grey of a T2,
the lateral ventricles are bright, and so far the sign of the contrast is right. But the ventricles' edges
are frayed and their front horns half filled, the brain is covered with grain, and grey and white matter are
hardly told apart: the fluid in the sulci, which a T2 shows best, is mostly missing. Faint patches stand
in the air beside the head of patient 04. The recovered T1 is grainy too: at this length of training
even the cycle is far from closed. This is a method caught halfway, not an image to read.

## Errors

Mean absolute error in grey levels 0..255 of the true T2's window (0 to its 99.5th percentile in the
head), inside the head mask; lower is better.

{mae}

Means over patients of the other metrics (SSIM on axial slices):

{other}

- `input` is the T1 in the window 0 to its 99.5th percentile in the head. It does better than it looks:
  brain has by chance about the same grey level in both windows. In the narrower window that the
  networks see it would be far worse.
- `mean_target` is the mean of the training T2 volumes. The heads are centred, but not aligned to
  each other, so it is a blur; with two volumes more than that it cannot be.
- `lut` maps every T1 level to one T2 level. It is fitted on the *registered pairs* of the other
  patients, which the unpaired training never sees, and it minimises the very error of the first
  table. The same holds for `supervised_bound`.

## The truth

The T2 lies on a grid of its own. It is resampled once, linearly, onto the left-out patient's T1
grid by the transforms that come with the data. They are named after the way the *image* goes
(`T1W_intrastudy_to_FLAIR`); the *points* go the other way, from the FLAIR to the image, as ITK's
resampling wants it. So a point of the T1 goes through the inverse of the T1's transform, and then
through the T2's. Mutual information of T1 and T2 in the head, in nat:

{direction}

In patient 03, who moved between the scans, only one direction fits. The transforms are affine, 1.3 to
1.6 % longer along the head for every T2. Leaving the T2's own transform out changes the mutual
information by less than 0.01 nat, upwards: the truth may be off by up to 1 mm at crown and neck, where
slices are 3 to 4 mm thick. What is left of misregistration counts as error here, for all answers alike.

## Another hospital

One patient with a stroke, T1 and T2 on one grid, brain extracted, 8 bit (VolumeRenderingData, MIT):
translated by each of the {n} models. It is one case, so these numbers say how far the models carry,
not how good they are.

![The outside case](../images/t1_t2_outside.png)

{outside}

{outside_verdict} The models carry badly: they paint a rim where they expect scalp, and neither the
ventricles nor the stroke come out as they are. The bound, trained on true pairs of whole heads, fails
alike. Who wants to translate brains without skull must train on such.

The training heads have skull, scalp and eyes, and this one has none of them. The T1's window ends at the
85th percentile of the head, which is white matter in both kinds: with one that ends at the 99.5th,
scalp fat in a head and white matter in a brain would have had the same grey level.

## What is weak

- Three patients, two of them with a T2 in each training: a discriminator that knows two heads.
- All have multiple sclerosis. Lesions are bright in T2 and nearly invisible in T1: nothing forces
  the translation to show them, and an unpaired training can also invent them. No synthetic T2 of
  this kind is fit for reading lesions.
- Slices are 3 to 4 mm thick, and are translated one by one on a grid of {spacing} mm: fine sulci
  are lost before any network sees them.
- Training was short ({iterations} steps on one core), and was done once per fold, with one seed.
- An average of grey levels is blind to what matters in a head. Look at the pictures.

## How it was made

```sh
{command}
```

The same workflows as the commands `cyclevox prepare`, `train`, `translate` and `evaluate` with the
recipe `bundle/configs/recipes/t1_t2.json`: head mask, N4, {size} voxels of {spacing} mm centred on
the head, axial slices, generator of width {width} with {blocks} blocks, slices matched by position,
{kind} gradient consistency with weight {weight}.

The patch of the discriminator, and sign and weight of gradient consistency, were chosen by short
trainings of the fold that leaves patient 01 out, by the error on the pairs of *its training patients*
03 and 04. So only patient 01 is clean of that choice: 03 and 04 had a say in settings that they are
then tested with. The percentile of the T1's window was chosen on all T1 images, and with the error of
`lut` in sight.

What those short trainings showed, on one fold, with one seed, at 2 or 3 mm pixels, so as hints and not as
controlled comparisons:

- A discriminator whose patch covers 16 pixels did not learn: even against frozen translations that
  anyone can tell from a T2 it stayed at chance for 300 steps. One of 34 pixels learned slowly, one of 70
  pixels (the whole head) fast, and only with it did the ventricles become bright within 800 steps.
- GC(T1, true T2) of the left-out patients is {consistency:+.2f}, signed: the outline of the head, scalp
  fat against air and bone, is the strongest edge of a slice and has the same sign in both images.
  Fluid inverts, but is outvoted. The absolute form is the same number on the truth, but leaves the
  sign of the whole slice free: a short training with it turned the scalp dark and the bone bright.

Trained by revision {revision}, {system}, {threads} thread(s) a fold. {minutes}
"""
"""The documentation page."""


def draw(cases: Sequence[JudgedCase], path: Path, *, columns: Sequence[str], title: str) -> None:
    """Draw an axial slice of each case: T1, synthetic T2, recovered T1, true T2.

    Args:
        cases: One for each column.
        path: Picture to write.
        columns: Their heads.
        title: Of the picture.
    """
    place = round(SHOWN_SLICE * (cases[0].truth.array.shape[2] - 1))
    sources, truths = [case.source.window for case in cases], [case.truth.window for case in cases]
    picture_rows(
        [
            PictureRow(title="T1", volumes=[case.source.array for case in cases], windows=sources),
            PictureRow(
                title="synthetic T2", volumes=[case.answers["translation"] for case in cases], windows=truths
            ),
            PictureRow(title="recovered T1", volumes=[case.recovered for case in cases], windows=sources),
            PictureRow(title="true T2", volumes=[case.truth.array for case in cases], windows=truths),
        ],
        plane="axial",
        spacing=cases[0].truth.spacing,
        path=path,
        title=title,
        slices=[place] * len(cases),
        columns=columns,
    )


def error_table(scores: pd.DataFrame) -> str:
    """Return the errors of every answer (rows) on every patient (columns), as Markdown."""
    grid = scores.pivot(index="answer", columns="case", values="mae").loc[list(ANSWERS)]
    heads = [f"patient {str(case).removeprefix('p').removesuffix('_t1')}" for case in grid.columns]
    rows = [[*(f"{value:.1f}" for value in row), f"{row.mean():.1f}"] for row in grid.to_numpy()]
    return _table(
        ["", *heads, "mean"], [[ANSWERS[str(a)], *row] for a, row in zip(grid.index, rows, strict=True)]
    )


def mean_table(scores: pd.DataFrame, metrics: Mapping[str, str]) -> str:
    """Return the mean of metrics over cases for every answer, as Markdown.

    Args:
        scores: A row for every case and answer.
        metrics: By column of the scores, its head in the table.
    """
    means = scores.groupby("answer")[list(metrics)].mean().loc[list(ANSWERS)]
    rows = [
        [ANSWERS[str(a)], *(f"{value:.3g}" for value in row)]
        for a, row in zip(means.index, means.to_numpy(), strict=True)
    ]
    return _table(["", *metrics.values()], rows)


def direction_table(information: Mapping[str, Mapping[str, float]]) -> str:
    """Return the mutual information of each patient for each way of reading the transforms, as Markdown."""
    heads = ["patient", "as used", "the other way", "no transform"]
    rows = [
        [name.removeprefix("p"), *(f"{one[way]:.2f}" for way in ("used", "opposite", "none"))]
        for name, one in information.items()
    ]
    return _table(heads, rows)


def verdict(scores: pd.DataFrame, *, over: str = "case") -> str:
    """Return in a sentence how often the translation has the smaller error, whom it beats and whom not.

    Args:
        scores: A row for every case and answer.
        over: Column that tells the compared translations apart: "case" or "fold".
    """
    grid = scores.pivot(index=over, columns="answer", values="mae")
    counts = [
        f"`{name}` in {(grid['translation'] < grid[name]).sum()} of {len(grid)} "
        f"({grid['translation'].mean():.1f} against {grid[name].mean():.1f})"
        for name in ANSWERS
        if name != "translation"
    ]
    sentence = f"By mean absolute error the translation is better than {', '.join(counts)}."
    return textwrap.fill(sentence, LINE)


def write_page(page: Path, *, scores: Mapping[str, pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write the page.

    Args:
        page: File to write.
        scores: Of the "test" cases and the "outside" case.
        facts: Texts and numbers for the places of the page that are not filled from the scores.
    """
    text = PAGE.format(
        n=scores["test"]["fold"].nunique(),
        verdict=verdict(scores["test"]),
        outside_verdict=verdict(scores["outside"], over="fold"),
        mae=error_table(scores["test"]),
        other=mean_table(scores["test"], {"psnr": "PSNR, dB", "ssim": "SSIM"}),
        outside=mean_table(scores["outside"], {"mae": "MAE, levels", "psnr": "PSNR, dB", "ssim": "SSIM"}),
        **facts,
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(text)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
