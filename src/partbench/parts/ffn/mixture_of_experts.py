"""Mixture of experts: each token goes to the k experts whose router scores are highest.

    z = W x;  s = P(z), P the `router` part;  chosen = top k of s + bias
    y = sum_chosen s_e / (sum_chosen s) F_e(x) + F_shared(x),  each F a SwiGLU of its own
    balance loss  = balance * E * sum_e f_e mean(s_e), f_e the share of assignments (no gradient)
    router z-loss = z_loss * mean(log(sum_e exp z_e)^2)
    after each step: bias_e += bias_rate * sign(mean load - load_e)

Papers: Shazeer et al. 2017, arXiv:1701.06538; balance loss: Fedus et al. 2021, arXiv:2101.03961;
top 2 with shares that sum to one: Mixtral, arXiv:2401.04088; z-loss: Zoph et al. 2022,
arXiv:2202.08906; bias without a loss: Wang et al. 2024, arXiv:2408.15664; shared experts: Dai et
al. 2024, arXiv:2401.06066 (DeepSeekMoE).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Count, NotNegative, Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.narrow import narrowed
from partbench.parts.shapes import Stream


class MixtureOfExperts(nn.Module):
    """Dropless token choice: what a token gets depends on the token alone, so it is causal.

    Settings: experts; chosen of them a token; ratio, an expert's hidden width over the width, to
    the nearest multiple of 8 (4/3 with 2 chosen: the FLOPs of one SwiGLU); balance and z_loss weigh
    the losses, each layer's by itself (a sum of counts over layers would let opposite imbalances
    cancel); bias_rate is the step of the loss-free bias, 0.001 in its paper (0: off), a buffer that
    chooses and never weighs; shared, how many experts of that size every token goes to beside.
    Cost: 3 (experts + shared) ratio width^2 parameters and the router's, FLOPs of chosen + shared.
    Raises ConfigError where more experts are to be chosen than there are.
    """

    ROLES = {
        "router": Role.ROUTER,
        "gate": Role.READ,
        "up": Role.READ,
        "down": Role.WRITE,
        "shared_gate.weight": Role.READ,
        "shared_up.weight": Role.READ,
        "shared_down.weight": Role.WRITE,
    }
    SUMMED = ("load",)
    bias: Tensor
    load: Tensor

    def __init__(
        self,
        dims: Dims,
        router: Callable[[], nn.Module],
        *,
        experts: Count = 8,
        chosen: Count = 2,
        ratio: Positive = 4 / 3,
        balance: NotNegative = 0.01,
        z_loss: NotNegative = 0.001,
        bias_rate: NotNegative = 0.0,
        shared: int = 0,
    ) -> None:
        super().__init__()
        if chosen > experts:
            raise ConfigError(f"ffn.chosen: {chosen} of {experts} experts; at most {experts}")
        if shared < 0:
            raise ConfigError(f"ffn.shared: {shared} is negative; 0 is none")
        hidden = max(8, 8 * round(ratio * dims.width / 8))
        self.router = nn.Parameter(torch.zeros(experts, dims.width))
        self.gate = nn.Parameter(torch.zeros(experts, hidden, dims.width))
        self.up = nn.Parameter(torch.zeros(experts, hidden, dims.width))
        self.down = nn.Parameter(torch.zeros(experts, dims.width, hidden))
        self.probability = router()
        if shared:
            self.shared_gate = nn.Linear(dims.width, shared * hidden, bias=False)
            self.shared_up = nn.Linear(dims.width, shared * hidden, bias=False)
            self.shared_down = nn.Linear(shared * hidden, dims.width, bias=False)
        self.shared = shared
        self.register_buffer("bias", torch.zeros(experts))
        self.register_buffer("load", torch.zeros(experts), persistent=False)  # of this step alone
        self.experts, self.chosen, self.context = experts, chosen, dims.context
        self.balance, self.z_loss, self.bias_rate = balance, z_loss, bias_rate

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """The chosen experts' answers; the losses go to `flow`."""
        flat = x.flatten(0, 1)
        with torch.autocast(x.device.type, enabled=False):  # a rounded router flips its choices
            logits = flat.to(self.router.dtype) @ self.router.T
            scores = self.probability(logits)
            picked = (scores + self.bias).topk(self.chosen, dim=-1).indices
            shares = scores.gather(-1, picked)
            # A sparse map may give nothing to all that the bias chose.
            shares = shares / shares.sum(-1, keepdim=True).clamp_min(1e-20)
            counts = torch.bincount(picked.flatten(), minlength=self.experts).to(scores.dtype)
            flow.charge("balance", self._balance(counts / picked.numel(), scores))
            flow.charge("router_z_loss", self.z_loss * logits.logsumexp(-1).square().mean())
        if self.training:
            self.load += counts
        answer = self._answers(narrowed(flat), picked, shares).view(x.shape)
        return answer + self._shared(narrowed(x)) if self.shared else answer

    def before_step(self, step: int, steps: int) -> None:
        """A step counts its own tokens, over all its micro-batches and nothing else."""
        self.load.zero_()

    def after_step(self, step: int, steps: int) -> None:
        """Experts that got too little are chosen a little sooner."""
        self.bias += self.bias_rate * torch.sign(self.load.mean() - self.load)

    def extra_flops(self) -> int:
        """Below zero: of the matrices, which are counted whole, only `chosen` experts are used."""
        weights = self.gate.numel() + self.up.numel() + self.down.numel()
        return -2 * weights * (self.experts - self.chosen) // self.experts * self.context

    def _shared(self, x: Stream) -> Stream:
        """Several experts side by side are one that is as many times wider."""
        hidden = nn.functional.silu(self.shared_gate(x)) * self.shared_up(x)
        return self.shared_down(hidden)

    def _balance(self, share: Tensor, scores: Tensor) -> Tensor:
        """1 at equal loads and scores that sum to one, `experts` where one expert gets all."""
        return self.balance * self.experts * (share.detach() * scores.mean(0)).sum()

    def _answers(self, flat: Tensor, picked: Tensor, shares: Tensor) -> Tensor:
        """Each expert answers the tokens that chose it, in one piece."""
        total = torch.zeros(flat.shape, dtype=self.down.dtype, device=flat.device)
        for expert in range(self.experts):
            rows, place = (picked == expert).nonzero(as_tuple=True)
            mine = flat[rows]
            hidden = nn.functional.silu(nn.functional.linear(mine, self.gate[expert]))
            hidden = hidden * nn.functional.linear(mine, self.up[expert])
            answer = nn.functional.linear(hidden, self.down[expert])
            weighed = answer.to(total.dtype) * shares[rows, place].unsqueeze(-1)
            total = total.index_add(0, rows, weighed)
        return total
