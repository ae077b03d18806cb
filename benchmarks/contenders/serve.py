"""The loop of a contender written in Python: ``python -m benchmarks.contenders.serve with_pyex``.

A line in, "workload n"; a line out, the seconds it took, or "none" if the contender has no such workload.
"""

import importlib
import sys


def main(name):
    contender = importlib.import_module(f"benchmarks.contenders.{name}")
    for line in sys.stdin:
        workload, n = line.split()
        if workload == "version":
            answer = contender.VERSION
        else:
            function = getattr(contender, workload, None)
            answer = "none" if function is None else f"{function(int(n)):.9f}"
        print(answer, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
