"""How often is the bench wrong? Studies whose true answer is known, through the real pipeline.

    A/A              the arm is the base with other starting values: each word is a false alarm
    planted effects  more tokens, another rate, another width: found as often as theory says?
    bad tuning       an arm declared far from its best rate: "edge of the grid", never "worse"
    a dead part      said before any verdict

A bank of real cells is trained once and resampled into many studies; some studies run whole.
"""
