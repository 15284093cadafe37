"""The state of every random generator that a training draws from."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """Return the states of Python's, NumPy's and torch's global generators as tensors and plain types."""
    version, keys, gauss = random.getstate()
    # Libraries still draw from NumPy's legacy global generator, so that is the one to keep.
    numpy: dict[str, Any] = np.random.get_state(legacy=False)  # noqa: NPY002
    key = torch.from_numpy(numpy["state"]["key"].astype(np.int64))
    return {
        "python": {"version": version, "keys": list(keys), "gauss": gauss},
        "numpy": {**numpy, "state": {**numpy["state"], "key": key}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_state(state: Mapping[str, Any]) -> None:
    """Put all global generators back where `random_state` found them.

    Args:
        state: What `random_state` returned. States of GPUs that this machine lacks are left out.
    """
    python, numpy = state["python"], state["numpy"]
    random.setstate((python["version"], tuple(python["keys"]), python["gauss"]))
    key = numpy["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": key}})  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    for device, cuda_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(cuda_state.cpu(), device)
