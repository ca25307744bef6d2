"""The two towers of a CLIP without the files that say how words and pictures are prepared: as all CLIPs have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.study.judges.files import words_folder
from ideation import spoken

#: Whose words they are where a model brings none: of all CLIPs, and of those that were taught what people prefer.
_USUAL_WORDS = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"


class Towers:
    """A `CLIPModel` in float32, with the tokenizer that lies in `folder`, or else the usual one; cosines. A picture is
    brought to the model's size at its shorter side, and seen in the middle."""

    def __init__(self, model: Any, folder: Path) -> None:
        from transformers import CLIPTokenizer
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

        self._model = model
        words = words_folder(folder, usual=_USUAL_WORDS)
        self._tokenizer = CLIPTokenizer.from_pretrained(str(words), local_files_only=True)
        size = int(model.config.vision_config.image_size)
        self._processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
        # The vector of a text is that of its end, wherever the vocabulary has that.
        model.text_model.eos_token_id = self._tokenizer.eos_token_id

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        given = self._tokenizer(
            [spoken(text) for text in texts],
            padding=True,
            truncation=True,
            max_length=int(self._model.config.text_config.max_position_embeddings),
            return_tensors="pt",
        )
        seen = self._processor(images=[image.convert("RGB") for image in images], return_tensors="pt")
        model = self._model
        with torch.inference_mode():
            pictures = model.visual_projection(model.vision_model(seen["pixel_values"]).pooler_output)
            words = model.text_projection(
                model.text_model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).pooler_output
            )
        found: NDArray[np.float32] = (_unit(pictures) @ _unit(words).T).numpy()
        return found


def _unit(vectors: Any) -> Any:
    return vectors / vectors.norm(dim=-1, keepdim=True)
