"""Draw a curve that comes as JSON: draw.py FILE.svg."""

import json
import sys

import matplotlib as mpl

mpl.use("svg")
# The same picture for the same figures.
mpl.rcParams["svg.hashsalt"] = "benchmarks"

import matplotlib.pyplot as plt  # noqa: E402

curve = json.load(sys.stdin)
figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, points in curve["series"].items():
    steps, values = zip(*sorted((int(step), value) for step, value in points.items()), strict=True)
    axes.plot(steps, values, marker="o", markersize=4, label=name)
every = sorted({int(step) for points in curve["series"].values() for step in points})
axes.set_xlabel(curve["by"])
axes.set_ylabel(curve["unit"])
axes.set_title(curve["what"])
if every[-1] > 20 * max(every[0], 1):
    axes.set_xscale("symlog" if every[0] == 0 else "log")
if curve["unit"] in ("ms", "µs"):
    axes.set_yscale("log")
else:
    axes.set_ylim(bottom=0)
axes.set_xticks(every, [f"{step:,}" for step in every])
axes.minorticks_off()
axes.grid(alpha=0.3)
axes.legend()
figure.savefig(sys.argv[1], metadata={"Date": None})
