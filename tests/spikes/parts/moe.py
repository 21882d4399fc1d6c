"""Mixture of experts: each token goes to the k experts whose router scores are highest.

    s = softmax(W x);  chosen = top k of s + bias;  y = sum_chosen s_e / (sum_chosen s) F_e(x)
    loss = balance * E * sum_e f_e mean(s_e),  f = share of the assignments (no gradient)
    after each step: bias_e += bias_rate * sign(mean load - load_e)

Papers: Switch loss: Fedus et al. 2021, arXiv:2101.03961; bias without a loss: Wang et al. 2024,
arXiv:2408.15664; ReLU experts without drops. The bias chooses and never weighs.
"""

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count, NotNegative, Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


class MixtureOfExperts(nn.Module):
    """Dropless token choice, so that what a token gets depends on the token alone.

    Settings: experts; chosen of them a token; ratio, an expert's hidden width over the width;
    balance weighs the Switch loss; bias_rate is the step of the loss-free bias (0: off).
    Cost: 2 experts ratio width^2 parameters, FLOPs of `chosen` experts and the router.
    """

    ROLES = {"router": Role.ROUTER, "up": Role.READ, "down": Role.WRITE}

    def __init__(
        self,
        dims: Dims,
        *,
        experts: Count = 4,
        chosen: Count = 2,
        ratio: Positive = 2.0,
        balance: NotNegative = 0.01,
        bias_rate: NotNegative = 0.001,
    ) -> None:
        super().__init__()
        hidden = round(ratio * dims.width)
        self.router = nn.Parameter(torch.zeros(experts, dims.width))
        self.up = nn.Parameter(torch.zeros(experts, hidden, dims.width))
        self.down = nn.Parameter(torch.zeros(experts, dims.width, hidden))
        self.register_buffer("bias", torch.zeros(experts))
        self.register_buffer("load", torch.zeros(experts), persistent=False)  # of this step alone
        self.experts, self.chosen, self.context = experts, chosen, dims.context
        self.balance, self.bias_rate = balance, bias_rate

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """The chosen experts' answers, and the balance loss beside them."""
        flat = x.flatten(0, 1)
        with torch.autocast(x.device.type, enabled=False):  # a rounded router flips its choices
            scores = (flat.to(self.router.dtype) @ self.router.T).softmax(-1)
        picked = (scores + self.bias).topk(self.chosen, dim=-1).indices
        weights = scores.gather(-1, picked)
        weights = weights / weights.sum(-1, keepdim=True)
        counts = torch.bincount(picked.flatten(), minlength=self.experts).to(scores.dtype)
        if self.training:
            self.load += counts
        self._charge(flow, counts / picked.numel(), scores.mean(0))
        return self._answers(flat, picked, weights).view(x.shape)

    def before_step(self, step: int, steps: int) -> None:
        """A step counts its own tokens, over all its micro-batches and nothing else."""
        self.load.zero_()

    def after_step(self, step: int, steps: int) -> None:
        """Experts that got too little are chosen a little sooner."""
        self.bias += self.bias_rate * torch.sign(self.load.mean() - self.load)

    def extra_flops(self) -> int:
        """Below zero: of the matrices, which are counted whole, only `chosen` experts are used."""
        idle = (self.experts - self.chosen) / self.experts
        return -round(2 * (self.up.numel() + self.down.numel()) * idle) * self.context

    def _charge(self, flow: Flow, share: Tensor, mean: Tensor) -> None:
        loss = self.balance * self.experts * (share.detach() * mean).sum()
        earlier = flow.losses.get("balance")  # every layer writes to the same dict
        flow.losses["balance"] = loss if earlier is None else earlier + loss

    def _answers(self, flat: Tensor, picked: Tensor, weights: Tensor) -> Tensor:
        total = torch.zeros_like(flat, dtype=self.up.dtype)
        for expert in range(self.experts):
            rows, place = (picked == expert).nonzero(as_tuple=True)
            hidden = nn.functional.linear(flat[rows], self.up[expert]).relu()
            answer = nn.functional.linear(hidden, self.down[expert])
            weighted = answer.to(total.dtype) * weights[rows, place].unsqueeze(-1)
            total = total.index_add(0, rows, weighted)
        return total
