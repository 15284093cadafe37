"""The software and machine that a run uses."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from typing import Any

import torch

import cyclevox
from preprocessing.provenance import tool_versions

PACKAGES = ("torch", "monai", "pytorch-ignite", "nibabel", "itk")
"""Packages whose versions are recorded beside those that preparation records."""


def software_versions() -> dict[str, str]:
    """Return the version of every package that decides a result."""
    return tool_versions() | {name: version(name) for name in PACKAGES} | {"cyclevox": cyclevox.__version__}


def environment() -> dict[str, Any]:
    """Return software versions, system, threads, GPUs and, in a clone, the revision."""
    return {
        "versions": software_versions(),
        "system": platform.platform(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "revision": revision(),
    }


def revision() -> str | None:
    """Return the commit of our own clone, marked if it was changed; None when installed without one."""
    root = cyclevox.bundle_path().parent
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
