"""The baseline that everybody has: scikit-learn's logistic regression on a bag of words.

Fitted anew on all labels so far; a correction replaces the label. Its strength C was chosen on the
design templates, as the lamp's settings were. Needs scikit-learn.
"""

from lamp.evaluation.arms import EAGER, EVERY
from lamp.mind import Forecast
from lamp.tags import NOTHING, Tag
from lamp.words import words

STRENGTH = 3.0


class Logistic:
    """Words counted once a line."""

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        self.pipeline = make_pipeline(
            CountVectorizer(analyzer=words, binary=True),
            LogisticRegression(C=STRENGTH, max_iter=1000),
        )
        self.lines: dict[int, tuple[str, Tag]] = {}
        self.labels, self.fitted = 0, False

    def forecast(self, text: str) -> Forecast:
        """Nothing, until two tags are known."""
        if not self.fitted:
            return Forecast(NOTHING, 1.0)
        shares = self.pipeline.predict_proba([text])[0]
        best = int(shares.argmax())
        return Forecast(self.pipeline.classes_[best], float(shares[best]))

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """Fit anew when it is its turn."""
        self.lines[number] = (text, tag)
        self.labels += 1
        texts, tags = zip(*self.lines.values(), strict=True)
        if len(set(tags)) > 1 and (self.labels <= EAGER or self.labels % EVERY == 0):
            self.pipeline.fit(texts, tags)
            self.fitted = True
