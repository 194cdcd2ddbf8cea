"""The rows of `latentgpu bench` in PyTorch, eager and as CUDA graphs: what bench/gpu compares with.

    python3 bench/reference/steps.py --out torch.json
    python3 bench/reference/steps.py --rows VAE RealNVP --seconds 5

Float32 throughout: TF32 is off for products. Columns: `eager`, PyTorch as it comes; `graph`, the same
work captured once by torch.cuda.CUDAGraph and replayed (training steps with Adam's capturable=True);
with --compile also `compile`, torch.compile of the eager function. Without CUDA only `eager` is measured,
on the processor, and rows that ask for a GPU are left out.

Every row and column is warmed up, then sampled once a round in turn. A sample repeats its work until it
lasts some milliseconds. Kernels are timed by CUDA events, steps by the host's clock from a device that
is done to one that is done again; without CUDA everything is timed by the host.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import torch

from work import ROWS

SAMPLE_MS = {"kernel": 4, "step": 60}
MIN_ROUNDS = 5


class Clock:
    """Milliseconds of one repetition."""

    def __init__(self, device):
        self.is_cuda = device.type == "cuda"

    def wait(self):
        if self.is_cuda:
            torch.cuda.synchronize()

    def time(self, run, repeats, by_events):
        self.wait()
        if by_events:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            for _ in range(repeats):
                run()
            end.record()
            self.wait()
            return start.elapsed_time(end) / repeats
        begin = time.perf_counter()
        for _ in range(repeats):
            run()
        self.wait()
        return 1000 * (time.perf_counter() - begin) / repeats


def with_readback(work, run):
    """Images are on the host before the next are asked for."""
    if work.readback is None:
        return run

    def whole():
        run()
        work.readback()
        if torch.cuda.is_available():
            torch.cuda.current_stream().synchronize()

    return whole


def captured(work):
    """The work as a graph: warmed up on a side stream, as PyTorch's notes on CUDA graphs ask for."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work.run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work.run()
    return graph.replay


class Subject:
    """A row in one column."""

    def __init__(self, row, column, device, clock):
        torch.manual_seed(1)
        self.row, self.column, self.samples = row, column, []
        self.clock, self.by_events = clock, clock.is_cuda and not row.is_step
        # What is captured or compiled has to keep its step counter on the device.
        work = row.make(device, column != "eager" and clock.is_cuda)
        self.parameters = work.parameters
        if column == "graph":
            run = captured(work)
        elif column == "compile":
            run = torch.compile(work.run)
        else:
            run = work.run
        self.run = with_readback(work, run)
        for _ in range(3):
            self.run()
        once = statistics.median(clock.time(self.run, 1, self.by_events) for _ in range(3))
        wanted = SAMPLE_MS["step" if row.is_step else "kernel"]
        self.repeats = max(1, min(2000, round(wanted / max(once, 1e-3))))
        clock.time(self.run, self.repeats, self.by_events)

    def sample(self):
        self.samples.append(self.clock.time(self.run, self.repeats, self.by_events))


def summary(samples):
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
    return {
        "median": middle,
        "quartiles": [low, high],
        "min": min(samples),
        "count": len(samples),
        "samples": [float(f"{x:.5g}") for x in samples],
    }


def driver():
    """What nvidia-smi says of the driver, if it is there."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return None


def machine(device, columns, rounds, seconds):
    is_cuda = device.type == "cuda"
    return {
        "format": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if is_cuda else platform.processor() or "processor",
        "cuda": torch.version.cuda if is_cuda else None,
        "driver": driver() if is_cuda else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "tf32": False,
        "clocks": {"kernel": "CUDA events" if is_cuda else "host", "step": "host"},
        "columns": columns,
        "rounds": rounds,
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", help="file to write (default: standard output)")
    parser.add_argument("--rows", nargs="+", default=[""], help="only what has one of these in its name")
    parser.add_argument("--seconds", type=float, default=30, help="to measure for, once all is warm")
    parser.add_argument("--threads", type=int, help="of the processor (default: PyTorch's choice)")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    clock = Clock(device)
    wanted = lambda row: any(part.lower() in row.name.lower() for part in args.rows)
    rows = [row for row in ROWS if wanted(row) and (clock.is_cuda or not row.gpu_only)]
    if not rows:
        parser.error(f"no row has {' or '.join(args.rows)} in its name")
    columns = ["eager", *(["graph"] if clock.is_cuda else []), *(["compile"] if args.compile else [])]

    subjects, failures = [], {}
    for row in rows:
        for column in columns:
            print(f"preparing: {row.name}, {column}", file=sys.stderr)
            try:
                subjects.append(Subject(row, column, device, clock))
            except Exception as error:  # What one column cannot do must not cost the others.
                failures[(row.name, column)] = str(error).strip().split("\n")[0]
                print(f"  failed: {failures[(row.name, column)]}", file=sys.stderr)
    rounds, begin = 0, time.perf_counter()
    while rounds < MIN_ROUNDS or time.perf_counter() - begin < args.seconds:
        for i in range(len(subjects)):
            subjects[(i + rounds) % len(subjects)].sample()
        rounds += 1

    report = machine(device, columns, rounds, args.seconds)
    report["rows"] = [
        {
            "name": row.name,
            **({"curve": row.curve, "size": row.size} if row.curve else {}),
            "group": "step" if row.is_step else "kernel",
            "flops": row.flops,
            "bytes": row.bytes,
            **next(({"parameters": s.parameters} for s in subjects if s.row is row and s.parameters), {}),
            "columns": {s.column: summary(s.samples) for s in subjects if s.row is row},
            "failures": {c: why for (name, c), why in failures.items() if name == row.name},
        }
        for row in rows
    ]
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)
    for row in report["rows"]:
        times = "  ".join(f"{c} {s['median']:.4g} ms" for c, s in row["columns"].items())
        print(f"{row['name']}: {times}", file=sys.stderr)


if __name__ == "__main__":
    main()
