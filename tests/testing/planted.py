"""Small outside residual parts, each with one bug that public code has had."""

HEADER = '''"""A residual part of somebody else's. Source: this test. Cost: none."""
import torch
from torch import nn
from partbench.core.roles import Role
'''

STREAMS = '''
class Mine(nn.Module):
    """n streams: u = a h; h <- R h + b F(u), all by hand, nothing said to probes."""
    ROLES = {"reads": Role.MIXING, "writes": Role.MIXING, "carries": Role.MIXING}
    def __init__(self, dims, norm, *, streams: int = 4):
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        self.reads = nn.Parameter(torch.eye(streams)[torch.arange(count) % streams])
        self.writes = nn.Parameter(torch.ones(count, streams))
        self.carries = nn.Parameter(START.repeat(count, 1, 1))
    def begin(self, x):
        return x.unsqueeze(2).expand(-1, -1, self.reads.shape[1], -1)
    def read(self, l, h):
        u = torch.einsum("n,btnc->btc", self.reads[l], h)
        return self.norms[l](u), h
    def write(self, l, h, y):
        mixed = torch.einsum("ij,btjc->btic", map_of(self.carries[l]), h)
        return MIXED + self.writes[l].unsqueeze(1) * y.unsqueeze(2)
    def end(self, h):
        return self.final(h.mean(2))
'''

FREE = "def map_of(z):\n    return z\n"
SINKHORN = """
def map_of(z):
    z = z / TEMPERATURE
    for _ in range(10):
        z = z - z.logsumexp(0, keepdim=True)
        z = z - z.logsumexp(1, keepdim=True)
    return z.exp()
"""
POLAR = """
def map_of(z):
    x = z / z.norm()
    for _ in range(8):
        a = x @ x.mT
        x = 3 * x - 3.2 * a @ x + 1.2 * a @ a @ x
    return x * x
"""

SUM = '''
class Mine(nn.Module):
    """The part along the stream, divided by what the notebook calls its norm."""
    ROLES = {"gain": Role.SCALAR}
    def __init__(self, dims, norm):
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.gain = nn.Parameter(torch.full((dims.num_sublayers,), .15))
    def begin(self, x): return x
    def read(self, l, h): return self.norms[l](h), h
    def write(self, l, h, y):
        p = (h * y).sum(-1, keepdim=True) / (h * h).sum(-1, keepdim=True).clamp_min(1e-8)
        return h + (y - p * h) + self.gain[l] * p * y / SIZE
    def end(self, h): return self.final(h)
'''


def streams(start: str, map_of: str = FREE, mixed: str = "mixed") -> str:
    """A file with the part of several streams; `mixed`: what its write goes on from."""
    return HEADER + f"START = {start}\n" + map_of + STREAMS.replace("MIXED", mixed)


SOUND = streams("torch.eye(4)")
THROWN_AWAY = streams("torch.eye(4)", mixed="h")
FROZEN = streams("8 * torch.eye(4) - 8", SINKHORN.replace("TEMPERATURE", ".05"))
WARM = streams("8 * torch.eye(4) - 8", SINKHORN.replace("TEMPERATURE", "1.0"))
AVERAGED = streams("8 * torch.eye(4) - 8", POLAR)
SIGNED_SUM = HEADER + SUM.replace("SIZE", "y.sum(-1, keepdim=True)")
TRUE_NORM = HEADER + SUM.replace("SIZE", "y.norm(dim=-1, keepdim=True).clamp_min(1e-8)")
SYMMETRIC = SOUND.replace("torch.eye(streams)[torch.arange(count) % streams]",
                          "torch.full((count, streams), 1 / streams)")  # fmt: skip
TRANSPOSED = WARM.replace('"ij,btjc->btic"', '"ji,btjc->btic"')

FFN = """
class Mine(nn.Module):
    ROLES = {"up.weight": Role.READ}
    def __init__(self, dims):
        super().__init__()
        self.up = nn.Linear(dims.width, dims.width, bias=False)
    def forward(self, x, flow):
        """
