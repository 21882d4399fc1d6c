"""What is held out while a model is fitted: windows that share no text with those fitted on."""

import torch

from partbench.parts.apart import RUN, Windows, divided


def windows(rows: torch.Tensor, weights: torch.Tensor) -> Windows:
    return Windows(rows[:, :-1].int(), rows[:, 1:].int(), weights)


def lines(number: int, length: int) -> torch.Tensor:
    """Rows of text that share no run."""
    return torch.randint(1, 1000, (number, length + 1), generator=torch.Generator().manual_seed(7))


def test_text_that_is_only_read_can_be_held_out_too() -> None:
    """A label after each line: nothing else is asked for."""
    weights = torch.zeros(200, RUN + 2)
    weights[:, -1] = 1
    rest, held_out, left = divided([windows(lines(200, RUN + 2), weights)])
    numbers = [sum(len(chunk.inputs) for chunk in part) for part in (rest, held_out, left)]
    assert numbers[1] > 0
    assert numbers == [200 - numbers[1], numbers[1], numbers[1]]


def test_a_line_that_is_held_out_is_not_fitted_on_where_it_comes_again() -> None:
    text = lines(200, RUN + 2)
    weights = torch.zeros(400, RUN + 2)
    weights[:, -1] = 1
    rest, held_out, left = divided([windows(torch.cat([text, text]), weights)])
    fitted = {tuple(row) for chunk in rest for row in chunk.inputs.tolist()}
    assert held_out
    for chunk in held_out:
        assert not fitted & {tuple(row) for row in chunk.inputs.tolist()}
    assert sum(len(chunk.inputs) for chunk in left) >= 2


def test_what_fills_up_a_row_ties_nothing_together() -> None:
    """Every row ends in the same filling, after the last token that is asked for."""
    text = torch.cat([lines(200, RUN), torch.zeros(200, RUN + 4, dtype=torch.int64)], 1)
    weights = torch.zeros(200, text.shape[1] - 1)
    weights[:, :RUN] = 1
    rest, held_out, left = divided([windows(text, weights)])
    assert held_out
    assert sum(len(chunk.inputs) for chunk in rest) == 200 - sum(len(c.inputs) for c in left)
    assert sum(len(c.inputs) for c in left) == sum(len(c.inputs) for c in held_out)
