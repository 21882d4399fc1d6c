"""Whole models: tokens in, log-probabilities out. The contract is in contract.py."""

from partbench.models.near_shallow.saffu import SAFFU
from partbench.models.ngram import NGram
from partbench.models.noise_key import NoiseKey
from partbench.models.pictures.cnn_a import CNNA
from partbench.models.pictures.cnn_b import CNNB
from partbench.models.pictures.vit import VisionTransformer
from partbench.models.transformer import Transformer

PARTS = {
    "transformer": Transformer,
    "ngram": NGram,
    "saffu": SAFFU,
    "noise_key": NoiseKey,
    "cnn_a": CNNA,
    "cnn_b": CNNB,
    "vit": VisionTransformer,
}
