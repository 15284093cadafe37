"""The folder that a training leaves behind."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pandas as pd
from ignite.engine import Engine, Events
from monai.bundle import ConfigParser
from monai.bundle.workflows import ConfigWorkflow

import cyclevox
from pipelines.model.environment import environment
from preprocessing.atomic import write_text_atomically
from preprocessing.cohort import Cohort
from preprocessing.provenance import file_hash


class RunFolderError(ValueError):
    """An output folder that cannot take this run."""


class RunFolder:
    """Record what a run is made of: configuration, environment and the hashes of its data.

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
        if present and not resume:
            raise RunFolderError(
                f"{self.path} already holds a run. Use --resume to continue it, or another folder."
            )
        if resume and not present:
            raise RunFolderError(
                f"Wanted a run to resume in {self.path}, found none. Train without --resume first."
            )
        self.config = executed_config()
        self.cohort = cohort

    def record(self) -> None:
        """Write configuration, environment and the cohort with its hashes."""
        for name in ("checkpoints", "validation", "model"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        _write_json(self.path / "environment.json", environment())
        table = pd.read_csv(self.cohort.table, dtype=str, keep_default_na=False)
        table["sha256"] = [file_hash(case.image) for case in self.cohort]
        table.to_csv(self.path / "cohort.csv", index=False)
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
