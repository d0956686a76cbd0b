"""Draw a curve from JSON on standard input: chart.py FILE.svg."""

import json
import sys

import matplotlib as mpl

mpl.use("svg")
# Equal numbers make equal files.
mpl.rcParams["svg.hashsalt"] = "benchmarks"

import matplotlib.pyplot as plt  # noqa: E402

# An axis is logarithmic if its largest value is more than this multiple of the smallest.
MAX_LINEAR_RANGE = 20

curve = json.load(sys.stdin)
figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
for name, points in curve["series"].items():
    x, y = zip(*sorted((int(step), value) for step, value in points.items()), strict=True)
    label = "this template" if name == "ours" else name
    axes.plot(x, y, marker="o", markersize=4, label=label)
better = "higher" if curve["unit"].endswith("/s") else "lower"
axes.set_xlabel(f"number of {curve['by']}")
axes.set_ylabel(f"{curve['unit']} ({better} is better)")
axes.set_title(f"{curve['name']}, by the number of {curve['by']}")
steps = sorted({int(step) for points in curve["series"].values() for step in points})
values = [value for points in curve["series"].values() for value in points.values()]
if steps[0] and steps[-1] > MAX_LINEAR_RANGE * steps[0]:
    axes.set_xscale("log")
if max(values) > MAX_LINEAR_RANGE * min(values):
    axes.set_yscale("log")
else:
    axes.set_ylim(bottom=0)
axes.set_xticks(steps, [f"{step:,}" for step in steps])
axes.yaxis.set_major_formatter("{x:,g}")
axes.minorticks_off()
axes.grid(alpha=0.3)
figure.legend(loc="outside right upper")
figure.savefig(sys.argv[1], metadata={"Date": None})
