"""The noise-key model: no layers, no gradients; every token owns a number, and noise leads on.

    K[a_t] - noise  snaps to  K[b_t];   what is learned is which noise to use when

Pieces, one idea a file, are in `noise_keys/`: keys, digit metrics and their index, noise codes, the
node and its experts. All that is learned is counts and sums of whole numbers: learning one pair at
a time equals learning them at once, and unlearning a pair restores the former state to the bit.
Source: an anonymous note (2024; no code, no figures). What it leaves open and how it was decided:
docs/noise-key.md.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError, DataError, unknown
from partbench.core.ranges import Count, NotNegative, Share
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models.contract import Score
from partbench.models.noise_keys import mixture, tables
from partbench.models.noise_keys.digits import Metric
from partbench.models.noise_keys.memory import Memory, Shape, Steps
from partbench.models.noise_keys.neighbours import Look
from partbench.models.noise_keys.node import EXPERTS, Node
from partbench.models.noise_keys.noises import Noises
from partbench.models.noise_keys.signatures import KINDS, PAIRS
from partbench.parts.apart import Windows, divided, gathered
from partbench.parts.shapes import Logits, Tokens

Array = np.ndarray
TEMPERATURES = tuple(float(t) for t in np.geomspace(0.01, 1.0, 9))
START = 3
"""The temperature before any text was held out to choose one, by its place."""


class NoiseKey(nn.Module):
    """Tokens [batch, time] -> probabilities [batch, time, vocab], causal, exact sums of one.

    coordinates, places: digits of a key; metric, fade (f), closeness (lam): see digits.py. keys:
    see tables.py. order: codes of B's histories; through: what a history begins with. code_digits:
    digits of a noise that tell codes apart, 0 for all. window: states that C and the neighbours
    look back on. experts: of node.py. share: what the mixture forgets a step. signature, layer,
    pair, votes, thin: of the neighbours; one window in `thin` is kept.
    Tokens are called by their numbers, so a vocabulary that grows keeps its keys.
    Cost: no parameters; memory by the formula in noise_keys/memory.py.
    """

    PHASES = ("fit",)
    NEEDS: ClassVar[dict[str, str]] = {"task": "tokens"}
    DEFAULTS: ClassVar[dict[str, str]] = {"probability": "softmax"}
    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self,
        dims: Dims,
        probability: Callable[[], nn.Module],
        *,
        coordinates: Count = 4,
        places: Count = 8,
        metric: Literal["digits", "numeric", "gray"] = "digits",
        fade: Share = 0.3,
        closeness: NotNegative = 1.0,
        keys: Literal["random", "bit_cipher", "cooccurrence"] = "random",
        order: Count = 4,
        through: Literal["token", "codes"] = "token",
        code_digits: int = 0,
        window: Count = 4,
        experts: list[str] = ["markov", "acting_on_a", "acting_on_b"],  # noqa: B006 - never changed
        reach: Count = 4,
        breadth: Count = 64,
        draws: Count = 4,
        share: Share = 0.02,
        signature: str = "pyramid",
        layer: int = 0,
        pair: str = "half_difference",
        votes: Count = 16,
        thin: Count = 16,
    ) -> None:
        super().__init__()
        for name in experts:
            if name not in EXPERTS:
                raise unknown("expert", name, "model.experts", EXPERTS)
        if not experts or len(set(experts)) < len(experts):
            raise ConfigError(f"model.experts: {experts}; name each expert once, one at least")
        for name, word, words in (("signature", signature, (*KINDS, "tokens")),
                                  ("pair", pair, PAIRS)):  # fmt: skip
            if word not in words:
                raise unknown("setting", word, f"model.{name}", words)
        if not 0 <= code_digits <= coordinates * places:
            raise ConfigError(
                f"model.code_digits: {code_digits}; a noise has {coordinates * places} digits, "
                f"0 takes them all"
            )
        self.dims, self.source, self.experts, self.share = dims, keys, list(experts), share
        self.metric = Metric(metric, coordinates, places, fade, closeness)
        self.map = probability()
        kept = thin if "neighbours" in experts else 0
        self.seed = torch.initial_seed()  # the lab's, for this place
        names = [str(token) for token in range(dims.vocab)]
        table = tables.random_keys(self.seed, names, coordinates, places)
        shape = Shape(order, through, window, kept)
        self.memory = Memory(table, Noises(places, code_digits), shape)
        self._settings: dict[str, Any] = {"reach": reach, "breadth": breadth, "draws": draws,
                          "look": Look(signature, layer, pair, votes)}  # fmt: skip
        self._set("temperature", np.array(START))
        self._set("wins", np.zeros(len(experts) + 1))
        self._changed()

    # -- learning --------------------------------------------------------------------------------

    def fit(self, stream: Iterable[Batch]) -> None:
        """Learn every batch; what was learned before is forgotten.

        Keys that come from text are made from all of it; the temperature and the experts' prior are
        chosen on windows that share no run of tokens with those learned until then.
        """
        chunks = list(gathered(self._checked(batch) for batch in stream))
        memory = self.memory
        kept = memory.keys
        if self.source != "random" and chunks:
            make = {"bit_cipher": tables.cipher_keys, "cooccurrence": tables.cooccurrence_keys}
            kept = make[self.source](chunks, self.dims.vocab, kept.shape[1], self.metric.places)
        self.memory = Memory(kept, memory.noises, memory.shape)
        self.get_buffer("temperature").fill_(START)
        self.get_buffer("wins").zero_()
        known, held_out, left = divided(chunks) if chunks else ([], [], [])
        for chunk in known:
            self.memory.learn(_steps(chunk))
        self._changed()
        if held_out:
            self.calibrate(Batch(*item) for item in held_out)
            for chunk in left:
                self.memory.learn(_steps(chunk))
            self._changed()

    def learn(self, batch: Batch) -> None:
        """Add what a batch says, online; nothing else is forgotten."""
        self.memory.learn(_steps(self._checked(batch)))
        self._changed()

    def unlearn(self, batch: Batch) -> None:
        """Take away a batch that was learned; the state is as before, to the bit.

        Raises DataError, with nothing changed, for what was never learned.
        """
        self.memory.learn(_steps(self._checked(batch)), -1)
        self._changed()

    def calibrate(self, batches: Iterable[Batch]) -> None:
        """Choose the temperature, and count which expert is closest, on text not yet learned."""
        items = [self._checked(batch) for batch in batches]
        spreads = [self._spread(batch) for batch in items]
        best, wins = np.inf, None
        for place, temperature in enumerate(TEMPERATURES):
            self.node.temperature = temperature
            rows = [
                self._chances(spread, _whole(batch.targets))
                for spread, batch in zip(spreads, items, strict=True)
            ]
            found = np.concatenate(rows)
            loss = -np.log(found.mean(1)).mean()
            if loss < best:
                best, wins = loss, mixture.wins(found)
                self.get_buffer("temperature").fill_(place)
        if wins is not None:
            self.get_buffer("wins").copy_(torch.from_numpy(wins))
        self._prepare()

    # -- answering -------------------------------------------------------------------------------

    def score(self, batch: Batch) -> Score:
        """Score every target given the inputs up to it; nll in nats, float32 [batch, time]."""
        self._checked(batch)
        inputs, targets = _whole(batch.inputs), _whole(batch.targets)
        spreads = self._spread(batch)
        found = self._chances(spreads, targets)
        seen, after = found, _following(inputs)
        if not np.array_equal(targets[:, :-1], after[:, :-1]):
            seen = self._chances(spreads, after)
        weights = self._weights(seen, inputs.shape)
        p = (weights * found).sum(1).reshape(inputs.shape)
        nll = torch.from_numpy(-np.log(p).astype(np.float32))
        return Score(nll.to(batch.targets.device), batch.weights, {})

    @torch.no_grad()
    def probabilities(self, tokens: Tokens) -> Tensor:
        """p(next token | those up to each position), float64 [batch, time, vocab], on the CPU."""
        batch = self._checked(Batch(tokens, tokens, torch.ones(tokens.shape)))
        inputs = _whole(tokens)
        spreads = self._spread(batch)
        seen = self._chances(spreads, _following(inputs))
        weights = self._weights(seen, inputs.shape)
        p = np.einsum("ne,nev->nv", weights[:, :-1], self.node.dense(spreads))
        p += weights[:, -1:] * self.node.floor
        return torch.from_numpy(p).reshape(*tokens.shape, self.dims.vocab)

    def forward(self, tokens: Tokens) -> Logits:
        """Log-probabilities after each token, float32 [batch, time, vocab]."""
        return self.probabilities(tokens).log().float().to(tokens.device)

    def begin(self, batch: int, capacity: int) -> Tensor:
        """The state before any token: the tokens so far, of which there are none."""
        return torch.zeros(batch, 0, dtype=torch.int64)

    def step(self, tokens: Tokens, state: Tensor) -> tuple[Logits, Tensor]:
        """Log-probabilities after each of `tokens`, and all tokens so far.

        Looks at all of them again: the mixture's weights depend on how each expert did.
        """
        together = torch.cat([state.to(tokens.device), tokens.long()], dim=1)
        return self(together)[:, state.shape[1] :], together

    def flops(self) -> int:
        """Arithmetic of the experts; searching is not arithmetic.

        A product and a sum for each order, reached token and expert, and C's regression.
        """
        features, outputs = self.memory.xy.shape
        each = (self.memory.shape.order + 1) * self._settings["reach"] + len(self.experts) + 1
        return 2 * self.dims.context * (each + features * outputs)

    def _spread(self, batch: Any) -> Any:
        inputs = _whole(batch.inputs)
        return self.node.spreads(inputs, _following(inputs))

    def _chances(self, spreads: Any, wanted: Array) -> Array:
        """p of the wanted token at each position by every expert, the floor last."""
        flat = wanted.ravel()
        return np.concatenate(
            [self.node.chances(spreads, flat), self.node.floor[flat][:, None]], axis=1
        )

    def _weights(self, seen: Array, shape: tuple[int, ...]) -> Array:
        wins = self.get_buffer("wins").numpy() + 1.0
        seen = seen.reshape(*shape, len(wins))
        return mixture.weights(seen, wins / wins.sum(), self.share).reshape(-1, len(wins))

    def _checked(self, batch: Any) -> Windows:
        for tokens in (batch.inputs, batch.targets):
            whole = tokens.ndim == 2 and not tokens.is_floating_point()
            if not whole or (
                tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.dims.vocab
            ):
                raise DataError(
                    f"model 'noise_key' reads tokens [batch, time] from 0 to "
                    f"{self.dims.vocab - 1}, not {tokens.dtype} {list(tokens.shape)} beyond that; "
                    f"give it a task of tokens"
                )
        return Windows(*(item.detach().cpu() for item in batch))

    # -- state -----------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Put what was learned into buffers, and make the node anew."""
        for name, array in self.memory.arrays().items():
            self._set(name, array)
        self._prepare()

    def _prepare(self) -> None:
        old = getattr(self, "node", None)
        index = old.landings.index if old and old.keys is self.memory.keys else None
        self.node = Node(
            self.memory, self.metric, self.map, experts=self.experts, index=index, **self._settings
        )
        self.node.temperature = TEMPERATURES[int(self.get_buffer("temperature"))]

    def _set(self, name: str, values: Array) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(values, np.int64)))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """Load tables of any length: the buffers take the sizes of what is loaded."""
        for name, own in list(self.named_buffers(recurse=False)):
            if prefix + name in state_dict:
                self.register_buffer(name, own.new_zeros(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *rest)
        arrays = {name: b.numpy() for name, b in self.named_buffers(recurse=False)}
        wrong = self.memory.misfit(arrays)
        if wrong:
            rest[-1].append(f"{prefix}{wrong}: damaged counts")
            return
        self.memory.restore({name: array.copy() for name, array in arrays.items()})
        self._prepare()


def _steps(chunk: Any) -> Steps:
    return Steps(_whole(chunk.inputs), _whole(chunk.targets), chunk.weights.numpy() > 0)


def _whole(tokens: Tensor) -> Array:
    return tokens.detach().cpu().numpy().astype(np.int64)


def _following(inputs: Array) -> Array:
    """What went out at each step: the next input; at the last step nothing that matters."""
    return np.concatenate([inputs[:, 1:], inputs[:, -1:]], axis=1)
