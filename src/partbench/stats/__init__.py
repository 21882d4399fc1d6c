"""Statistics of paired training runs: arrays in, answers out; no torch, no printing."""
