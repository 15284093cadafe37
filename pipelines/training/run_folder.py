"""The folder that a training leaves behind."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from monai.bundle.workflows import ConfigWorkflow

import cyclevox
from pipelines.model.environment import environment
from pipelines.model.model_folder import MODEL_FILE
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import TABLE_NAME, Cohort, write_cohort
from preprocessing.provenance import file_hash

CHECKPOINTS = "iteration_*.pt"
"""Names of the files in the folder `checkpoints`."""

LEFT_BY_A_DEAD_START = (
    "losses.csv",
    "validation/metrics.csv",
    "validation/epoch_*.png",
    "tensorboard/events.out.tfevents.*",
)
"""What a run that ended before its first checkpoint may have written about itself."""


class RunFolderError(ValueError):
    """An output folder that cannot take this run."""


class RunFolder:
    """Record what a run is made of: configuration, environment and the hashes of its data.

    A run that ended before its first checkpoint counts as not begun: it starts anew, resumed or not.

    Args:
        path: The run folder; made when the training starts.
        cohort: The cohort that the run trains on.
        resume: Whether a run that is already there is continued.

    Raises:
        RunFolderError: If a run is there and is not to be resumed, or the other way round.
    """

    def __init__(self, *, path: Path | str, cohort: Cohort, resume: bool) -> None:
        self.path = Path(path)
        present = (self.path / "config.json").exists()
        begun = any((self.path / "checkpoints").glob(CHECKPOINTS))
        if present and begun and not resume:
            raise RunFolderError(
                f"{self.path} already holds a run. Use --resume to continue it, or another folder."
            )
        self.dead_start = present and not begun
        if self.dead_start and (self.path / "model" / MODEL_FILE).exists():
            raise RunFolderError(
                f"Wanted a run with its checkpoints, but {self.path} holds a trained model and no checkpoint "
                "to go on from. Use another folder."
            )
        if resume and not present:
            raise RunFolderError(
                f"Wanted a run to resume in {self.path}, found none. Train without --resume first."
            )
        self.config = executed_config()
        self.cohort = cohort

    def record(self) -> None:
        """Write configuration, environment and the cohort with its hashes; drop the rows of a dead start."""
        if self.dead_start:
            for pattern in LEFT_BY_A_DEAD_START:
                for path in self.path.glob(pattern):
                    path.unlink()
        for name in ("checkpoints", "validation", "model"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        _write_json(self.path / "environment.json", environment())
        hashes = [file_hash(case.image) for case in self.cohort]
        write_cohort(self.path / TABLE_NAME, self.cohort, more={"sha256": hashes})
        _write_json(self.path / "config.json", self.config)

    def resolved(self, entry: str) -> Any:
        """Return a configuration entry with its references replaced by their values, nothing instantiated."""
        item = ConfigParser(self.config).get_parsed_content(entry, instantiate=False)
        return item.get_config() if hasattr(item, "get_config") else item


class RunRecord:
    """Record a run when its training starts: a run that cannot be built leaves nothing behind.

    Args:
        run: The run folder.
    """

    def __init__(self, *, run: RunFolder) -> None:
        self.run = run

    def attach(self, engine: Engine) -> None:
        """Record as the first thing that the training does."""
        engine.add_event_handler(Events.STARTED, self.run.record)


def default_output(name: str) -> str:
    """Return `runs/<name>` under the working directory, or beside the bundle when called inside it."""
    here = Path.cwd().resolve()
    bundle = cyclevox.bundle_path().resolve()
    inside = here == bundle or bundle in here.parents
    return str((bundle.parent if inside else here) / "runs" / name)


def executed_config() -> dict[str, Any]:
    """Return the configuration of the MONAI workflow that is being run, overlays and overrides included.

    MONAI gives a config's own expressions no way to see the whole of it: it is looked up among the callers.
    """
    frame = inspect.currentframe()
    while frame is not None:
        workflow = frame.f_locals.get("self")
        if isinstance(workflow, ConfigWorkflow):
            config: dict[str, Any] = json.loads(json.dumps(workflow.parser.get(), default=str))
            return config
        frame = frame.f_back
    return {}


def _write_json(path: Path, content: Any) -> None:
    write_text_atomically(path, json.dumps(content, indent=2, default=str) + "\n")
