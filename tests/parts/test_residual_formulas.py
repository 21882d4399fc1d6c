"""Each residual part against its formula, written out plainly, with every parameter moved."""

from typing import Any

import pytest
import torch
from tests.parts.residual_suite import BATCH, bare, draw, model
from torch import Tensor, nn

from partbench.parts.flow import Flow
from partbench.testing.subject import shake

X = draw(2, 3, 8)
OUT = draw(6, 2, 3, 8, name="outputs")  # what the six sublayers answer, whatever they read


def awake(residual: dict[str, Any]) -> Any:
    """The part without norms, every parameter moved."""
    part = bare(residual)
    shake(part, seed=5)
    return part


def told(part: Any) -> tuple[list[Tensor], Tensor]:
    """What every sublayer read, and the end."""
    state, reads = part.begin(X), []
    for sublayer in range(6):
        u, state = part.read(sublayer, state)
        reads.append(u)
        state = part.write(sublayer, state, OUT[sublayer])
    return reads, part.end(state)


def same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-11)


def unit(x: Tensor) -> Tensor:
    """A norm without a gain."""
    return x / x.square().mean(-1, keepdim=True).sqrt()


class Unit(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return unit(x)


@pytest.mark.parametrize(("name", "alpha"), [("post_norm", 1.0), ("deep_norm", 6**0.25)])
def test_the_sum_is_normed(name: str, alpha: float) -> None:
    _, end = told(bare({"part": name}, norm=lambda width: Unit()))
    h = X
    for output in OUT:
        h = unit(alpha * h + output)
    same(end, h)


def test_sandwich_norms_what_is_written() -> None:
    reads, end = told(bare({"part": "sandwich"}, norm=lambda width: Unit()))
    same(reads[1], unit(X + unit(OUT[0])))
    same(end, unit(X + unit(OUT).sum(0)))


def test_layer_scale_and_rezero_weigh_what_is_written() -> None:
    for name in ("layer_scale", "rezero"):
        part = awake({"part": name})
        gains = part.gains.view(6, 1, 1, -1)
        same(told(part)[1], X + (gains * OUT).sum(0))
    assert (bare({"part": "rezero"}).gains == 0).all()
    assert len(list(bare({"part": "rezero"}, norm=lambda width: nn.Linear(1, 1)).children())) == 0


@pytest.mark.parametrize("form", ["weights", "low_rank", "both"])
def test_laurel(form: str) -> None:
    part = awake({"part": "laurel", "form": form, "rank": 3})
    h = X
    for sublayer, output in enumerate(OUT):
        a, b = (1, 1) if form == "low_rank" else 2 * part.weights[sublayer].softmax(0)
        if form != "weights":
            h = h + h @ part.downs[sublayer].T @ part.ups[sublayer].T
        h = a * output + b * h
    same(told(part)[1], h)


@pytest.mark.parametrize("last", [None, 1, 3])
def test_laurel_adds_what_lay_before_earlier_sublayers(last: int | None) -> None:
    part = awake({"part": "laurel_previous", "last": last})
    held, weights = [X], part.weights.tolist()
    for sublayer, output in enumerate(OUT):
        seen = held[:-1][-(last or sublayer) :] if sublayer else []
        mine, weights = weights[: len(seen)], weights[len(seen) :]
        extra = sum(c * h for c, h in zip(mine, seen, strict=True))
        held.append(held[-1] + output + extra)
    assert weights == []
    assert len(part.weights) == {None: 15, 1: 5, 3: 12}[last]
    same(told(part)[1], held[-1])


def test_an_orthogonal_update_is_orthogonal_and_adds_its_length() -> None:
    part = bare({"part": "orthogonal", "eps": 0.0})
    state = part.write(0, X, OUT[0])
    update = state - X
    assert (update * X).sum(-1).abs().max() < 1e-12
    same(state.square().sum(-1), X.square().sum(-1) + update.square().sum(-1))
    along = (OUT[0] * X).sum(-1, keepdim=True) / X.square().sum(-1, keepdim=True)
    same(update, OUT[0] - along * X)
    assert (state.norm(dim=-1) >= X.norm(dim=-1)).all()


def test_true_opr_is_plain_at_one_and_one_and_orthogonal_at_one_and_zero() -> None:
    part = bare({"part": "orthogonal_parallel"})
    same(told(part)[1], X + OUT.sum(0))
    with torch.no_grad():
        part.parallel.zero_()
    same(told(part)[1], told(bare({"part": "orthogonal", "eps": 0.0}))[1])
    with torch.no_grad():
        part.parallel.fill_(0.3)
        part.orthogonal.fill_(0.7)
    p = (OUT[0] * X).sum(-1, keepdim=True) / X.square().sum(-1, keepdim=True)
    same(part.write(0, X, OUT[0]), X + 0.7 * (OUT[0] - p * X) + 0.3 * p * X)


def notebook(x: Tensor, y: Tensor, alpha: Tensor, beta: Tensor, signed: bool) -> Tensor:
    """The notebook's cell, line by line; `signed` is what it does, else what it meant."""
    norm = torch.sum(y, dim=-1, keepdim=True) if signed else torch.linalg.norm(y, dim=-1)[..., None]
    inner = torch.sum(x * y, dim=-1, keepdim=True)
    p = inner / torch.clamp(torch.sum(x * x, dim=-1, keepdim=True), min=1e-8)
    return x + alpha * (y - p * x) + beta * (p * (y / norm))


@pytest.mark.parametrize("mode", ["notebook", "l2"])
def test_opr_as_the_notebook_has_it(mode: str) -> None:
    part = bare({"part": "orthogonal_parallel", "mode": mode})
    a, b = part.orthogonal[2], part.parallel[2]
    same(part.write(2, X, OUT[2]), notebook(X, OUT[2], a, b, mode == "notebook"))
    torch.manual_seed(0)
    wide = bare({"part": "orthogonal_parallel", "mode": mode}, depth=8, width=4096)
    for gains, mean, std in ((wide.orthogonal, 0.25, 0.5), (wide.parallel, 0.15, 0.25)):
        assert gains.mean().item() == pytest.approx(mean, abs=0.01)
        assert gains.std().item() == pytest.approx(std, rel=0.02)


def test_the_notebooks_norm_is_no_norm() -> None:
    """The bug it is compatible with: an output that sums to nearly zero is blown up."""
    output = OUT[0] - OUT[0].mean(-1, keepdim=True) + 1e-9
    sizes = {}
    for mode in ("notebook", "l2", "true"):
        torch.manual_seed(0)
        part = bare({"part": "orthogonal_parallel", "mode": mode})
        sizes[mode] = part.write(0, X, output).abs().max().item()
    assert sizes["notebook"] > 1e4
    assert sizes["l2"] < 20
    assert sizes["true"] < 20


def test_altup_predicts_computes_and_corrects() -> None:
    part = awake({"part": "altup", "streams": 3})
    blocks = [X] * 3
    reads, end = told(part)
    for sublayer, output in enumerate(OUT):
        active = sublayer % 3
        same(reads[sublayer], blocks[active])
        predictor, gains = part.predictors[sublayer], part.correctors[sublayer]
        predicted = [sum(w * h for w, h in zip(row, blocks, strict=True)) for row in predictor]
        computed = blocks[active] + output
        blocks = [
            p + g * (computed - predicted[active]) for p, g in zip(predicted, gains, strict=True)
        ]
    same(end, sum(blocks) / 3)


def test_fractions_are_mixed_like_streams() -> None:
    part = awake({"part": "frac_connections", "pieces": 2})
    pieces, (reads, end) = X.chunk(2, -1), told(part)
    for sublayer, output in enumerate(OUT):
        a, b, r = part.reads[sublayer], part.writes[sublayer], part.carries[sublayer]
        same(reads[sublayer], torch.cat([w[0] * pieces[0] + w[1] * pieces[1] for w in a], -1))
        carried = [w[0] * pieces[0] + w[1] * pieces[1] for w in r]
        written = zip(b, output.chunk(2, -1), strict=True)
        pieces = [c + w * y for c, (w, y) in zip(carried, written, strict=True)]
    same(end, torch.cat(pieces, -1))


def test_x0_and_unet_skips() -> None:
    part = awake({"part": "x0_skip"})
    h = X
    for layer in range(3):
        kept, added = part.weights[layer]
        h = kept * h + added * X + OUT[2 * layer] + OUT[2 * layer + 1]
    same(told(part)[1], h)
    part = awake({"part": "unet_skips"})
    first = X + OUT[0] + OUT[1]
    same(told(part)[1], first + OUT[2:].sum(0) + part.weights[0] * first)


@pytest.mark.parametrize(("dilation", "period"), [(1, 1), (2, 1), (1, 2)])
def test_depth_weighted_averages(dilation: int, period: int) -> None:
    part = awake({"part": "dense_former", "dilation": dilation, "period": period})
    layers, weights = [X], list(part.weights)
    for layer in range(1, 4):
        h = layers[-1] + OUT[2 * layer - 2] + OUT[2 * layer - 1]
        if layer % period == 0:
            seen = [j for j in range(layer + 1) if (layer - j) % dilation == 0]
            values = [*layers, h]
            h = sum(weights.pop(0) * values[j] for j in seen)
        layers.append(h)
    assert not weights
    same(told(part)[1], layers[-1])


@pytest.mark.parametrize("block", [1, 2, 4])
def test_attention_over_what_was_written(block: int) -> None:
    part = awake({"part": "attention_residuals", "block": block})
    reads, end = told(part)
    for sublayer, read in enumerate([*reads, end]):
        written = OUT[:sublayer].split(block)
        values = torch.stack([X, *(piece.sum(0) for piece in written if len(piece))])
        scores = (unit(values) * part.queries[sublayer]).sum(-1).softmax(0)
        same(read, (scores.unsqueeze(-1) * values).sum(0))
    fresh = bare({"part": "attention_residuals", "block": 1})
    same(told(fresh)[1], torch.cat([X[None], OUT]).mean(0))


def test_values_are_mixed_with_the_first_layers() -> None:
    part = awake({"part": "value_residual"})
    flow = Flow(BATCH.inputs, torch.arange(16), None)  # type: ignore[arg-type]
    values = draw(3, 2, 4, 16, 8, name="values")
    for layer in range(3):
        flow.layer = layer
        found = part.values(values[layer], flow)
        c, d = part.weights[layer - 1] if layer else (1, 0)
        same(found, c * values[layer] + d * values[0])


def test_tokens_add_to_the_values_of_mirrored_layers() -> None:
    part = awake({"part": "value_embeddings"})
    assert part.tables.shape == (2, 32, 8)
    values = draw(3, 1, 16, 8, name="values")
    flow = Flow(BATCH.inputs, torch.arange(16), None)  # type: ignore[arg-type]
    for layer, table in enumerate((0, 1, 0)):
        flow.layer = layer
        c, d = part.weights[layer]
        expected = c * values + d * part.tables[table][BATCH.inputs].unsqueeze(1)
        same(part.values(values.expand(3, 1, 16, 8), flow), expected)


@pytest.mark.parametrize("name", ["value_residual", "value_embeddings"])
def test_what_is_attended_to_is_what_the_part_says(name: str) -> None:
    made = model({"part": name, "start": 0.5})
    before = made(BATCH.inputs)
    with torch.no_grad():
        made.residual.weights[-1, 1] += 0.1
    assert (made(BATCH.inputs) - before).abs().max() > 1e-6


def test_mudd_mixes_four_ways() -> None:
    part = awake({"part": "mudd"})
    layers, inside = [X], X
    state = part.begin(X)
    for sublayer, output in enumerate(OUT):
        layer, is_ffn = divmod(sublayer, 2)
        u, state = part.read(sublayer, state)
        if not is_ffn and layer:
            ways = four(part.mixes[str(layer)], layers)
            inside = ways[3]
            for found, way in zip(u, ways, strict=False):
                same(found, way)
        else:
            same(u, inside)
        inside = inside + output
        layers += [inside] if is_ffn else []
        state = part.write(sublayer, state, output)
    same(part.end(state), four(part.mixes["3"], layers)[0])


def four(mix: Any, layers: list[Tensor]) -> list[Tensor]:
    """Written out, coefficient by coefficient."""
    newest = layers[-1] / (layers[-1].square().mean(-1, keepdim=True) + 1e-6).sqrt()
    hidden = nn.functional.gelu(newest @ mix.down.weight.T)
    c = hidden @ mix.up.T + mix.start
    count = len(layers)
    return [
        sum(c[..., way * count + j, None] * layers[j] for j in range(count))
        for way in range(c.shape[-1] // count)
    ]
