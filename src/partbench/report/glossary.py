"""How to read a report, in plain words."""

from partbench.report.absent import ours

SCORES = {
    "bits per byte": (
        "The score is bits per byte: how many bits the model needs, on average, to write down "
        "one byte of text that it has never seen. Lower is better."
    ),
    "bits per picture": (
        "The score is bits per picture: how many bits the model needs, on average, to say of what "
        "class a picture is that it has never seen. It counts how sure a wrong answer was. Lower "
        "is better."
    ),
    "errors per picture": (
        "The score is errors per picture: the share of pictures never seen before whose likeliest "
        "class was wrong. Lower is better."
    ),
}


def entries(report: dict) -> list[tuple[str, str]]:
    """Explain the words of a report, the score of this study first."""
    unit = report["unit"]
    better = "Higher" if report.get("higher_is_better") else "Lower"
    score = SCORES.get(unit, f"The score is given in {unit}. {better} is better.")
    if ours(report):
        return [("Score", score), *WORDS]
    side = "Above" if report.get("higher_is_better") else "Below"
    outside = OUTSIDE | {"Difference": OUTSIDE["Difference"].format(side=side)}
    if report.get("kind") == "table":
        outside |= {"Margin": TABLE_MARGIN}
    words = [(term, outside.get(term, meaning)) for term, meaning in WORDS]
    return [("Score", score), *((term, meaning) for term, meaning in words if meaning)]


WORDS = [
    (
        "Base, arm",
        "The base is the model as it was. An arm is the same model with one thing swapped. "
        "Everything else, down to each starting value that both share, is equal.",
    ),
    (
        "Pair",
        "The same seed trained once as base and once as arm: same text, same order, same "
        "luck. Comparing within pairs removes much of the luck.",
    ),
    (
        "Difference",
        "Score of the arm minus score of the base. Below zero, the arm is better.",
    ),
    (
        "Interval",
        "The range of differences that the runs leave plausible. Narrow is sure, wide is unsure.",
    ),
    (
        "Margin",
        "The smallest difference that would matter. It was declared before the first run.",
    ),
    (
        "Better, worse",
        "The whole interval lies on one side of zero, and not wholly inside the margin.",
    ),
    (
        "Equivalent",
        "The whole interval lies inside the margin: whatever the difference is, it is too "
        "small to matter.",
    ),
    (
        "Inconclusive",
        "The interval reaches across zero and beyond the margin. The runs do not tell yet; "
        "it is not a finding that the two are alike.",
    ),
    (
        "Equal tokens, equal seconds",
        "Two questions. Which is better after reading the same amount of text? And which is "
        "better after training for the same time, where a slower arm reads less?",
    ),
    (
        "Compute multiplier",
        "How much more training the base would need to reach the arm's score. 1.20x: a fifth more.",
    ),
    (
        "Alive",
        "A new part that never learns or is bypassed proves nothing. Moved: how far its "
        "parameters went from where they began. Cost of reset: how much worse the trained model "
        "gets when they are put back.",
    ),
    (
        "Grade",
        "How far to trust the verdict. Screen: one model size, one shared learning rate. Tuned: "
        "each arm at its own best learning rate, on fresh seeds. Laddered: three or more model "
        "sizes. Only laddered speaks about larger models.",
    ),
]

OUTSIDE = {
    "Base, arm": "The base is what was run as it was. An arm is what is held against it.",
    "Pair": "The same seed run once as base and once as arm. What the seed fixes (starting values, "
    "order of the data) is up to the trainer; the correlation tells how much the two then share.",
    "Difference": "Score of the arm minus score of the base. {side} zero, the arm is better.",
    "Equal tokens, equal seconds": "",
    "Compute multiplier": "",
    "Alive": "",
    "Grade": "How far to trust the verdict. As run: how the arms were tuned and whether they were "
    "given the same data is known to whoever ran them, not to this page.",
}
"""What these words mean of runs that are not our trainer's; empty where they mean nothing."""

TABLE_MARGIN = (
    "The smallest difference that would matter. Chosen after a look at the results it proves "
    "nothing; this page cannot know when it was chosen."
)

GRADES = {
    "as run": "how base and arms were tuned is not known here; not evidence about larger models",
    "screen": "one model size, one shared learning rate; not evidence about larger models",
    "tuned": "each arm at its own best learning rate, one model size; not evidence about larger "
    "models",
    "laddered": "three or more model sizes, so it speaks about growth too",
}
