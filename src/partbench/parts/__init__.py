"""The parts of a model: one folder a slot, one file an idea.

A part is one final `nn.Module` (or a plain class where nothing is learned). In `__init__`, before
the `*`: what the lab gives, by name (`dims`, `numerics`, `layer`, factories of other slots); after
it: settings with a type and a literal default. `ROLES` names what each of its own parameters is
for. Optional, and then tested: `extra_flops()`, the FLOPs of one sequence beyond two a weight and
token; `begin`/`step` on mixers, for decoding from a cache; `begin_from(batches)`, called once with
the training batches before the first phase, ahead of the init part's own `fit`; `PROVIDES`,
abilities by name;
`FORBIDS`, those it cannot work beside; `NEEDS = {"mixer": "three_streams"}`, those that every part
in a slot must provide. Nothing here knows devices, loggers or optimisers.
"""
