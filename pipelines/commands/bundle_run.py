"""Run a bundle config from a command, as `python -m monai.bundle run` would."""

from __future__ import annotations

import difflib
import json
import logging.config
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.workflows import ConfigWorkflow

import cyclevox
from pipelines.commands.outcome import UsageError

SEPARATOR = "::"
"""What parts the levels of an id, as in `train::trainer::max_epochs`."""


def run_bundle(
    configs: Sequence[Path | str], overrides: Mapping[str, Any], *, run_id: str = "run"
) -> list[Any]:
    """Run a config with overlays and overrides.

    Args:
        configs: The bundle's config and overlays over it, in order; a bare name such as "quickstart" or
            "recipes/hiasa_2018" is one of the bundle's own.
        overrides: Values by id, checked before anything runs.
        run_id: The entry to run.

    Returns:
        What each of the entry's expressions returned.

    Raises:
        UsageError: If a config is missing or unreadable, or an id is unknown.
    """
    files = [config_path(config) for config in configs]
    check_ids(files, overrides)
    own = cyclevox.bundle_path() / "configs"
    # MONAI talks before it reads its own logging file.
    logging.config.fileConfig(own / "logging.conf", disable_existing_loggers=False)
    workflow = ConfigWorkflow(
        config_file=[str(file) for file in files],
        meta_file=str(own / "metadata.json"),
        logging_file=str(own / "logging.conf"),
        run_id=run_id,
        workflow_type=None,
        **overrides,
    )
    workflow.initialize()
    results: list[Any] = workflow.run()
    workflow.finalize()
    return results


def bundle_part(configs: Sequence[Path | str], part: str) -> Any:
    """Return one object that a config with overlays names, without running anything.

    Args:
        configs: As `run_bundle` takes them.
        part: Its id.

    Raises:
        UsageError: If a config is missing or unreadable.
    """
    parser = ConfigParser({})
    for config in configs:
        parser.update(_read_json(config_path(config)))
    parser.parse()
    return parser.get_parsed_content(part)


def config_path(config: Path | str) -> Path:
    """Return the file of a config given by path or by its name in the bundle.

    Raises:
        UsageError: If there is neither.
    """
    path = Path(config)
    named = cyclevox.bundle_path() / "configs" / f"{config}.json"
    if path.is_file():
        return path
    if named.is_file():
        return named
    raise UsageError(
        f"Wanted a config file or one of the bundle's ({', '.join(_own_names())}), found no {config}. "
        "Correct the path or the name."
    )


def read_settings(settings: Sequence[str], *, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the settings of a command line.

    Args:
        settings: Each as `id=value`.
        given: What the command's own arguments set; a setting of the same id would have no effect.

    Raises:
        UsageError: If one cannot be read, or is an argument of the command.
    """
    overrides = dict(parse_setting(setting) for setting in settings)
    doubled = sorted(overrides.keys() & given.keys())
    if doubled:
        raise UsageError(
            f"Wanted {', '.join(doubled)} as arguments of the command, which set them, found --set of them. "
            "See --help."
        )
    return overrides


def parse_setting(setting: str) -> tuple[str, Any]:
    """Split `id=value` and read the value as JSON, else as a string.

    Raises:
        UsageError: If there is no `=`.
    """
    key, sign, value = setting.partition("=")
    if not sign or not key:
        raise UsageError(f"Wanted a setting as id=value, for example --set seed=1, got {setting!r}.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def check_ids(files: Sequence[Path], overrides: Mapping[str, Any]) -> None:
    """Refuse overrides of ids that no config has.

    Raises:
        UsageError: Naming each unknown id with the nearest known ones.
    """
    parser = ConfigParser({})
    for file in files:
        parser.update(_read_json(file))
    known = sorted(_ids(parser.get()))
    faults = []
    for key in overrides:
        if key.replace("#", SEPARATOR) not in parser:
            nearest = difflib.get_close_matches(key, known, n=3, cutoff=0.5)
            faults.append(f"unknown id {key!r}; nearest: {', '.join(nearest) or 'none'}")
    if faults:
        names = ", ".join(file.name for file in files)
        raise UsageError(f"Wanted ids of {names}: {'; '.join(faults)}. Correct them.")


def _own_names() -> list[str]:
    folder = cyclevox.bundle_path() / "configs"
    names = (path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.json"))
    return sorted(name for name in names if name != "metadata")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"Wanted a JSON config, but {file} cannot be read: {error}. Mend it.") from error
    if not isinstance(content, dict):
        raise UsageError(f"Wanted a JSON object of ids in {file}, found a {type(content).__name__}. Mend it.")
    return content


def _ids(config: Any, prefix: str = "") -> Iterator[str]:
    entries = (
        config.items() if isinstance(config, dict) else enumerate(config) if isinstance(config, list) else ()
    )
    for key, value in entries:
        if key != "_target_":
            yield f"{prefix}{key}"
            yield from _ids(value, f"{prefix}{key}{SEPARATOR}")
