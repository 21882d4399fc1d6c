"""lm-eval on a model of ours: every target once, with the text before it, as its own model does."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.exchange import made
from tests.models.peers import peer

from partbench.core.errors import InputError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TASK = """
task: sizes
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{answers}}}}"
doc_to_target: "{{{{gold}}}}"
metric_list: [{{metric: acc}}]
"""


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Our module, with lm-eval's caches in the test's folder."""
    for name in ("HF_HOME", "HF_DATASETS_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    peer("lm_eval")
    from partbench.exchange import harness

    return harness


@torch.no_grad()
def test_scores_are_those_of_the_whole_text(harness: Any) -> None:
    trained = made.trained()
    made_up = harness.Harness(trained, batch=3)
    model: Any = trained.model()
    texts = [(list(range(40, 40 + n)), first) for n, first in ((9, 4), (32, 1), (3, 2), (20, 19))]
    for (ids, first), (nats, likeliest) in zip(texts, made_up.score(texts), strict=True):
        logits = model(torch.tensor([ids]))[0].double().log_softmax(-1)
        wanted = [logits[t - 1, ids[t]].item() for t in range(first, len(ids))]
        assert nats == pytest.approx(sum(wanted), abs=1e-4)
        greedy = [int(logits[t - 1].argmax()) == ids[t] for t in range(first, len(ids))]
        assert likeliest == all(greedy)


def test_every_target_is_scored_once_and_no_window_is_too_long(harness: Any) -> None:
    for length in (2, 5, 8, 9, 10, 31):
        for first in range(1, length):
            ids, asked = list(range(length)), []
            for window, count in harness.windows(ids, first, 8):
                assert len(window) <= 9
                assert len(window) > count
                asked += window[-count:]
            assert asked == ids[first:]


def test_one_command_runs_a_task(harness: Any, tmp_path: Path) -> None:
    rows = [
        {"question": f"the {word} is ", "answers": ["big", "small"], "gold": i % 2}
        for i, word in enumerate(("ship", "sea", "sun", "moon"))
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "task.yaml").write_text(TASK.format(data=tmp_path / "rows.jsonl"))
    task = str(tmp_path / "task.yaml")
    trained = made.trained()
    found = harness.evaluate(trained, [task], shots=None, limit=None, batch=4)
    scorer = harness.Harness(trained)
    right = 0
    for row in rows:
        begun = scorer.tok_encode(row["question"].rstrip())
        options = [scorer.tok_encode(" " + answer) for answer in row["answers"]]
        nats = [score for score, _ in scorer.score([(begun + o, len(begun)) for o in options])]
        right += nats.index(max(nats)) == row["gold"]
    assert found["n-samples"]["sizes"]["effective"] == 4
    [(name, metric, value, _)] = harness.rows(found)
    assert (name, metric, value) == ("sizes", "acc", right / 4)


def test_a_text_stops_where_it_is_told_to(harness: Any) -> None:
    scorer = harness.Harness(made.trained())
    whole = scorer._until("the ship", {"max_gen_toks": 12})
    assert len(scorer.tok_encode(whole)) >= 4
    place = next(i for i, letter in enumerate(whole) if letter.isascii())
    stops = {"max_gen_toks": 12, "until": [whole[place], "never"]}
    assert scorer._until("the ship", stops) == whole[:place]
    assert scorer._until("x" * 500, {"max_gen_toks": 500, "until": ["\0\0"]})


class Index:
    """In the place of lm-eval's list of all its tasks, which takes seconds to read."""

    all_tasks = ("hellaswag", "sst2")

    def __init__(self, include_defaults: bool) -> None:
        pass

    def match_tasks(self, wanted: list[str]) -> list[str]:
        return [name for name in wanted if name in self.all_tasks]


def test_a_task_that_is_not_there_is_one_line(
    harness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lm_eval.tasks.TaskManager", Index)
    (tmp_path / "no.yaml").write_text("[1]")
    for task, said in (("hellaswagg", "did you mean"), (str(tmp_path / "no.yaml"), "task: name"),
                       (os.devnull + ".yaml", "cannot be read")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            harness.evaluate(made.trained(), [task], shots=None, limit=None, batch=1)
