"""The report as a tree of plain values: made safe for JSON, and put in one key order."""

import math
from typing import Any

KEYS = (
    "schema name question study_id status declared_at finished_at grade unit margin margin_text"
    " alpha design looks levels base arms config costs diff path arm slot part verdict word sign"
    " difference low high level pairs look p p_sign_flip correlation sd_difference multiplier"
    " value seconds settle diverged seed fold reason parameters flops_per_token"
    " seconds_per_step tokens_per_second peak_memory_bytes time_ratio time_ratio_low"
    " time_ratio_high liveness moved gradient_share reset_cost alive note curves train evaluation"
    " probes slope standard_error budgets totals cells cells_reused tokens core_seconds reproduce"
    " provenance partbench torch python platform machine processor cores memory_bytes numerics"
    " precision attention threads corpus sha256 bytes id reused"
).split()
RANK = {key: rank for rank, key in enumerate(KEYS)}


def finite(value: Any) -> Any:
    """Replace every number that is not finite by None: JSON and charts know no infinity."""
    if isinstance(value, dict):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def ordered(value: Any) -> Any:
    """Sort keys as the schema lists them, unknown ones after it by name."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (RANK.get(key, len(KEYS)), key))
        return {key: ordered(value[key]) for key in keys}
    if isinstance(value, list):
        return [ordered(inner) for inner in value]
    return value
