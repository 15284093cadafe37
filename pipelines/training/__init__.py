"""Training of the translator."""

from pipelines.model.weights import CheckpointError, load_weights
from pipelines.training.checkpoint import Checkpoints, CheckpointSaver
from pipelines.training.cyclegan import CycleGAN, CycleImages
from pipelines.training.objective import CycleGANObjective
from pipelines.training.schedule import ConstantThenLinear
from pipelines.training.trainer import CycleGANTrainer

__all__ = [
    "CheckpointError",
    "CheckpointSaver",
    "Checkpoints",
    "ConstantThenLinear",
    "CycleGAN",
    "CycleGANObjective",
    "CycleGANTrainer",
    "CycleImages",
    "load_weights",
]
