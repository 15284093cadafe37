"""Translation of volumes with a trained model."""

from pipelines.model.model_folder import ModelError, TranslationModel, read_model
from pipelines.translation.volume_translation import translate_volume

__all__ = ["ModelError", "TranslationModel", "read_model", "translate_volume"]
