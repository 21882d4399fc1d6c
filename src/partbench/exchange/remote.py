"""What a model folder's modeling file imports: a model of ours as transformers knows one.

`generate` decodes from our caches; rows padded on the left are begun with their padding. Weights
are read by our own reader (safetensors alone), since parts hold tables that transformers would
lose.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from partbench.core.errors import InputError
from partbench.exchange import own
from partbench.models.build import assemble


class PartbenchConfig(PretrainedConfig):
    """config.json of a model folder; our configuration is its `partbench`."""

    model_type = "partbench"

    def __init__(self, partbench: dict[str, Any] | None = None, **settings: Any) -> None:
        self.partbench = partbench or {}
        super().__init__(**settings)


class Decoding:
    """Our state between the pieces of a text, where transformers keeps its caches."""

    is_compileable = False

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.state: Any = None
        self.length = 0

    def get_seq_length(self, layer: int = 0) -> int:
        """How many tokens are in it."""
        return self.length


class PartbenchForCausalLM(PreTrainedModel, GenerationMixin):
    """Tokens to logits; one of ours inside."""

    config_class = PartbenchConfig
    base_model_prefix = "model"
    _supports_sdpa = True

    def __init__(self, config: PartbenchConfig) -> None:
        super().__init__(config)
        tree, vocab, numerics = own.understood(config.to_dict(), Path(config.name_or_path), 1 << 20)
        self.model = assemble(tree, vocab=vocab, seed=0, numerics=numerics)
        self.post_init()

    @classmethod
    def from_pretrained(cls, folder: Any, *model_args: Any, **settings: Any) -> Any:
        """The model in a local folder; `dtype` (or `torch_dtype`) converts it."""
        trained = own.read(Path(folder))
        config = settings.get("config") or PartbenchConfig.from_pretrained(folder)
        made = cls(config)
        made.model = trained.model()
        kind = settings.get("dtype", settings.get("torch_dtype"))
        if isinstance(kind, str) and kind != "auto":
            kind = getattr(torch, kind)
        return (made.to(kind) if isinstance(kind, torch.dtype) else made).eval()

    @property
    def device(self) -> torch.device:
        """Of its parameters; the CPU where it has none (counts)."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Of its parameters; float32 where it has none."""
        return next((p.dtype for p in self.parameters()), torch.float32)

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Parts set their own."""

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: Decoding | None = None,
        labels: Tensor | None = None,
        **unused: Any,
    ) -> CausalLMOutputWithPast:
        """Logits after each token; with `past_key_values`, of the next piece of a text.

        attention_mask: 0 for padding, which must be on the left. labels: as in transformers, -100
        where nothing is asked.
        """
        padding = _padding(attention_mask)
        model: Any = self.model
        if past_key_values is None and padding is None:
            logits = model(input_ids)
        else:
            cache = past_key_values or Decoding(input_ids.shape[1])
            if cache.state is None:
                cache.state = _begin(model, len(input_ids), cache.capacity, padding)
            logits, cache.state = model.step(input_ids, cache.state)
            cache.length += input_ids.shape[1]
        loss = None
        if labels is not None:
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
            )
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values)

    def _prepare_cache_for_generation(
        self, generation_config: Any, model_kwargs: dict[str, Any], mode: Any, *sizes: Any
    ) -> None:
        """Our own state, with room for the whole text; without it where beams would reorder it."""
        if generation_config.use_cache is False or generation_config.num_beams > 1:
            return
        if model_kwargs.get("past_key_values") is None:
            model_kwargs["past_key_values"] = Decoding(sizes[-1])


def _padding(mask: Tensor | None) -> Tensor | None:
    """Number of padding tokens at the left of each row; InputError where some are elsewhere."""
    if mask is None or bool(mask.all()):
        return None
    padding = (mask == 0).sum(1)
    if not torch.equal(mask.bool(), torch.arange(mask.shape[1]) >= padding[:, None].cpu()):
        raise InputError("attention_mask: padding must be on the left; set padding_side='left'")
    return padding


def _begin(model: Any, batch: int, capacity: int, padding: Tensor | None) -> Any:
    return (
        model.begin(batch, capacity) if padding is None else model.begin(batch, capacity, padding)
    )
