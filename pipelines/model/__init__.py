"""A trained model on disk: weights, description, and the software that made it."""

from pipelines.model.model_folder import ModelError, TranslationModel, read_model
from pipelines.model.weights import CheckpointError, load_weights, save_weights

__all__ = ["CheckpointError", "ModelError", "TranslationModel", "load_weights", "read_model", "save_weights"]
