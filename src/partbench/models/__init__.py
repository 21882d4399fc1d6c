"""Whole models: tokens in, log-probabilities out. The contract is in contract.py."""

from partbench.models.near_shallow.saffu import SAFFU
from partbench.models.ngram import NGram
from partbench.models.noise_key import NoiseKey
from partbench.models.transformer import Transformer

PARTS = {"transformer": Transformer, "ngram": NGram, "saffu": SAFFU, "noise_key": NoiseKey}
