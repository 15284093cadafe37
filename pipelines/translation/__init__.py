"""Translation of volumes with a trained model."""

from pipelines.translation.model_folder import ModelError, TranslationModel, read_model
from pipelines.translation.translate_volume import translate_volume

__all__ = ["ModelError", "TranslationModel", "read_model", "translate_volume"]
