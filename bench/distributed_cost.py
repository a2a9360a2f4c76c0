"""What a step costs on many machines, from what was measured on one.

usage: distributed_cost.py NAME COMPUTE_MS BACKWARD_SHARE GRADIENT_BYTES [LATENCY_US [PER_BYTE_NS]]

COMPUTE_MS: a step of one machine without averaging; BACKWARD_SHARE: the part of it that is backward, behind which
averaging may hide; LATENCY_US: of a message (default 50); PER_BYTE_NS: what the processor does with a byte of gradient on its
way, adding and copying (default 0.5).

An all-reduce among n machines is a reduce-scatter and an all-gather: 2 log2 n rounds, in which each machine sends and
receives 2 (n - 1) / n of the gradient. Backward hides what it can; what is left of averaging adds to the step. Every
machine has a batch of its own, so n machines do n times the work of one; the efficiency is the part of that n which is left.
"""

import math
import sys

name, compute, share, size = sys.argv[1], *map(float, sys.argv[2:5])
latency = float(sys.argv[5]) if len(sys.argv) > 5 else 50.0
per_byte = float(sys.argv[6]) if len(sys.argv) > 6 else 0.5

print(f"{name}: {compute:g} ms, of which {100 * share:.0f} % backward; {size / 1e6:.2f} MB of gradients")
print("| machines | " + " | ".join(f"{g} Gbit/s: all-reduce | hidden | efficiency" for g in (1, 10)) + " |")
print("|---:|" + "---:|" * 6)
for machines in (2, 4, 8, 16, 32, 64, 128, 256):
    cells = []
    for gigabits in (1, 10):
        sent = 2 * (machines - 1) / machines * size
        milliseconds = (2 * math.log2(machines) * latency / 1e3 + sent * 8 / (gigabits * 1e6)
                        + sent * per_byte / 1e6)
        rest = max(0.0, milliseconds - share * compute)
        cells += [f"{milliseconds:.1f} ms", f"{100 * (1 - rest / milliseconds):.0f} %",
                  f"{100 * compute / (compute + rest):.0f} %"]
    print(f"| {machines} | " + " | ".join(cells) + " |")
