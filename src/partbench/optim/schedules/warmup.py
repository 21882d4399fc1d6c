"""Linear warm-up, which every schedule here begins with."""


def rise_and_progress(step: int, steps: int, share: float) -> tuple[float, float]:
    """(multiple during warm-up, progress after it), both evaluated at the middle of the step.

    `share` of the `steps` is warm-up. Progress runs from 0 to 1 and reaches neither end exactly,
    so that the first and last steps are not wasted at rate 0.
    """
    length = share * steps
    middle = step + 0.5
    if middle < length:
        return middle / length, 0.0
    return 1.0, (middle - length) / (steps - length)
