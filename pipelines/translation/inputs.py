"""What is translated: one file or a cohort, prepared as the model's training data were."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai.engines import Evaluator
from tqdm import tqdm

from pipelines.data.recipes import on_reference_grid, reference_step
from pipelines.data.sidecar import stored_provenance
from pipelines.model.model_folder import ModelError, TranslationModel
from pipelines.translation.recipe import build_steps
from pipelines.translation.record import is_synthetic, is_translation
from preprocessing.cohort import TABLE_NAME, Case, Cohort, read_cohort, write_cohort
from preprocessing.landmarks import landmarks_path, read_landmarks
from preprocessing.nifti import nifti_stem
from preprocessing.preparation import prepare_scan
from preprocessing.provenance import Provenance, record_path
from preprocessing.scan import Scan
from preprocessing.volume import read_labels, read_volume, write_volume

NIFTI_SUFFIXES = (".nii", ".nii.gz")


class InputError(ValueError):
    """An input or output of a translation that is not what it should be."""


@dataclass(frozen=True, kw_only=True)
class TranslationReport:
    """What a translation made.

    Args:
        output: The written file or cohort folder.
        translated: Names of the cases that were written.
        failed: By case, why it was not.
    """

    output: Path
    translated: tuple[str, ...]
    failed: dict[str, str]


class TranslationInputs:
    """List the volumes to translate, prepare each, have them translated, and close the output.

    A volume that carries the sidecar of the model's own preparation is taken as it is. One that cannot be
    read or prepared is left out and reported; the others go on.

    Args:
        source: A NIfTI file, or a cohort (folder or table) of whose cases those of the model's source domain
            are translated.
        output: A NIfTI file for a file, a folder for a cohort.
        model: The translator.
        to: Domain to translate to.
        split: Of a cohort, the split to translate: train, validation or test; None for all cases.

    Raises:
        InputError: If input and output do not fit each other, or the output would replace what is no
            translation.
        ModelError: If the model does not know the domain, or the cohort has no case to translate.
    """

    def __init__(
        self,
        *,
        source: Path | str,
        output: Path | str,
        model: TranslationModel,
        to: str,
        split: str | None = None,
    ) -> None:
        self.source, self.output = Path(source), Path(output)
        self.model, self.to, self.split = model, to, split
        self.origin = model.origin_of(to)
        self.failed: dict[str, str] = {}
        self.cohort, self.cases = self._list_cases()
        self._refuse_overwriting()
        self.steps = build_steps(model.recipes[self.origin])

    def items(self) -> list[dict[str, Any]]:
        """Return a MONAI item for every case that could be prepared.

        Each has `image` (prepared volume), `window`, `case`, `source` (the volume to return to) and `output`.
        Volumes prepared here stand in a working folder that `translate` removes.
        """
        work = Path(tempfile.mkdtemp(prefix=f".{self.output.name}.", dir=_existing_parent(self.output)))
        self._remove_work = weakref.finalize(self, shutil.rmtree, work, ignore_errors=True)
        items = []
        for case in tqdm(self.cases, desc="prepare", unit="volume", leave=False, disable=None):
            try:
                items.append(self._item(case, work))
            except (ValueError, OSError, RuntimeError) as error:
                self.failed[case.case] = str(error)
        return items

    def translate(self, evaluator: Evaluator) -> TranslationReport:
        """Run the evaluator over the items and close the output, whatever happens removing the working files.

        Args:
            evaluator: Translates `items` and writes each to its `output`.

        Raises:
            InputError: If no case at all could be translated.
        """
        try:
            if len(self.failed) < len(self.cases):
                if self.cohort is not None:
                    # Without its table nobody takes a half-finished output for a whole one.
                    (self.output / TABLE_NAME).unlink(missing_ok=True)
                evaluator.run()
        finally:
            self._remove_work()
        return self._close_output()

    def _close_output(self) -> TranslationReport:
        written = [case for case in self.cases if case.case not in self.failed]
        if not written:
            raise InputError("\n".join(f"{case}: {message}" for case, message in self.failed.items()))
        if self.cohort is not None:
            write_cohort(self.output / TABLE_NAME, [self._output_case(case) for case in written])
        return TranslationReport(
            output=self.output, translated=tuple(case.case for case in written), failed=dict(self.failed)
        )

    def _list_cases(self) -> tuple[Cohort | None, Sequence[Case]]:
        if self.source.is_file() and self.source.name.endswith(NIFTI_SUFFIXES):
            return None, [self._single_case()]
        cohort = read_cohort(self.source)
        if self.output.exists() and not self.output.is_dir():
            raise InputError(
                f"Wanted a folder to write the translated cohort to, found the file {self.output}."
            )
        cases = cohort.select(domain=self.origin, split=self.split)
        if not cases:
            raise ModelError(
                f"{cohort.table}: wanted cases of the domain {self.origin!r}, which this model translates to "
                f"{self.to!r}, in {self.split or 'any'} split; found the domains {', '.join(cohort.domains)}."
            )
        return cohort, cases

    def _single_case(self) -> Case:
        if not self.output.name.endswith(NIFTI_SUFFIXES):
            raise InputError(
                f"Wanted an output file ending in .nii.gz for the file {self.source}, got {self.output}."
            )
        name = nifti_stem(self.source)
        source = self.source.absolute()
        return Case(
            case=name,
            patient=name,
            domain=self.origin,
            image=source,
            label=None,
            mask=None,
            pair=None,
            split="test",
        )

    def _refuse_overwriting(self) -> None:
        for case in self.cases:
            output = self._output_of(case)
            if _same_file(output, case.image):
                raise InputError(
                    f"{case.case}: the output {output} is the input itself. Name another output."
                )
            if _same_file(record_path(output), record_path(case.image)):
                raise InputError(
                    f"{case.case}: the output's record {record_path(output)} is the input's own. Name an "
                    "output of another name or folder."
                )
            for path in (output, record_path(output)):
                if path.exists() and not is_synthetic(output):
                    raise InputError(
                        f"{case.case}: wanted a new file or an earlier translation to write to, but {path} "
                        "is none of ours. Name another output, or remove it yourself."
                    )
        table = self.output / TABLE_NAME
        if self.cohort is not None and table.exists() and not is_translation(table):
            raise InputError(
                f"Wanted a new folder or an earlier translation to write to, but {self.output} holds another "
                "cohort. Name another folder."
            )

    def _item(self, case: Case, work: Path) -> dict[str, Any]:
        item = {"case": case.case, "source": str(case.image), "output": str(self._output_of(case))}
        provenance = stored_provenance(case.image)
        if provenance is not None and self._is_prepared_alike(provenance):
            window = provenance.window or self.model.windows[self.origin]
            return {**item, "image": str(case.image), "window": window.to_dict()}
        mask = read_labels(case.mask, case=case.case) if case.mask else None
        points = landmarks_path(case.image)
        scan = Scan(
            image=read_volume(case.image, case=case.case),
            mask=mask,
            landmarks=read_landmarks(points) if points.exists() else {},
            case=case.case,
        )
        scan = prepare_scan(scan, self.steps)
        prepared = work / f"{case.case}.nii.gz"
        write_volume(scan.image, prepared)
        window = scan.window or self.model.windows[self.origin]
        return {**item, "image": str(prepared), "window": window.to_dict()}

    def _is_prepared_alike(self, provenance: Provenance) -> bool:
        wanted = self.model.recipes[self.origin]
        reference = reference_step([wanted])
        found = provenance.recipe if reference is None else on_reference_grid(provenance.recipe, reference)
        return list(found) == list(wanted)

    def _output_of(self, case: Case) -> Path:
        return (
            self.output
            if self.cohort is None
            else (self.output / "images" / f"{case.case}.nii.gz").absolute()
        )

    def _output_case(self, case: Case) -> Case:
        # The body mask lies on the source grid, which is the translation's as well. The source's labels stay
        # with the source: in a cohort of predictions they would pass for predicted ones.
        return replace(case, domain=self.to, image=self._output_of(case), label=None, pair=None)


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _existing_parent(path: Path) -> Path:
    return next(folder for folder in path.absolute().parents if folder.is_dir())
