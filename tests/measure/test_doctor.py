"""The doctor's examination, of workers whose speed is made up."""

from partbench.measure import doctor, kernels, machine

SPEED = {"float32 fused": 0.010, "float32 explicit": 0.012, "bfloat16 fused": 0.020}
SPEED |= {"bfloat16 explicit": 0.005, "float32 halves": 0.013, "bfloat16 halves": 0.006}


class Worker:
    """Answers at once with made-up seconds: two threads help by a quarter, neighbours cost 5 %."""

    def __init__(self, log):
        self.facts = {"names": []}
        self.log = log
        self.answer = []

    def ask(self, name, steps, *, threads=1, cores=None):
        self.log.append((name, steps, threads, cores))
        kind, *rest = name.split()
        seconds = SPEED[" ".join(rest)] if kind == "step" else 0.001
        if kind == "attention":
            seconds = 0.001 * (1 + (rest[1] != "fused") * int(rest[2]) / 100)
        self.answer = [seconds / (1.25 if threads == 2 else 1.0)] * steps

    def read(self):
        return {"seconds": self.answer}

    def block(self, name, *, threads=1, cores=None):
        from partbench.measure.workers import beside

        return beside([self], name, threads=threads, cores=[cores])


def examine(quick, count=2):
    log = []
    workers = [Worker(log) for _ in range(count)]
    found = doctor.examine(workers, list(range(4, 4 + count)), {"context": 64}, quick=quick)
    return found, log


def test_every_precision_and_path_is_stepped_and_the_faster_one_in_every_way():
    found, log = examine(quick=True)
    ways = [
        (row["precision"], row["attention"], row["processes"], row["threads"])
        for row in found["steps"]
    ]
    assert ways == [
        ("float32", "fused", 1, 1),
        ("float32", "explicit", 1, 1),
        ("float32", "halves", 1, 1),
        ("bfloat16", "fused", 1, 1),
        ("bfloat16", "explicit", 1, 1),
        ("bfloat16", "halves", 1, 1),
        ("float32", "fused", 2, 1),
        ("float32", "fused", 1, 2),
        ("bfloat16", "explicit", 2, 1),
        ("bfloat16", "explicit", 1, 2),
    ]
    assert {tuple(cores) for _, _, threads, cores in log if threads == 2} == {(4, 5)}
    assert {tuple(cores) for _, _, threads, cores in log if threads == 1} == {(4,), (5,)}


def test_what_was_found_makes_a_profile_to_choose_from(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: [4, 5])
    found, _ = examine(quick=True)
    choice = machine.choose(machine.profile(found), 1024)
    assert choice.workers == 2
    assert (choice.numerics.precision, choice.numerics.attention) == ("bfloat16", "fused")


def test_only_the_full_examination_measures_rates_and_every_context():
    quick, full = examine(quick=True)[0], examine(quick=False)[0]
    assert quick["rates"] == []
    assert [row["threads"] for row in full["rates"]] == [1, 2]
    contexts = {row["context"] for row in full["attention"]}
    assert contexts == set(kernels.CONTEXTS) > {row["context"] for row in quick["attention"]}


def test_one_core_is_enough():
    found, _ = examine(quick=False, count=1)
    assert len(found["steps"]) == 6
    assert [row["threads"] for row in found["rates"]] == [1]


def test_every_kernel_runs():
    kernel = kernels.blocks()
    for name in (
        "copy",
        kernels.matrix_name("bfloat16"),
        kernels.attention_name("bfloat16", "explicit", 64),
        kernels.attention_name("float32", "fused", 128),
    ):
        assert len(kernel[name](1)) == 1
