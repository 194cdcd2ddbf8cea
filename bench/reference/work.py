"""The rows of `latentgpu bench` in PyTorch: the same sizes, the same formulas, the same names.

A row is made for a device and gives a function of no arguments that does the work once. Everything it
needs lies on the device, random numbers are drawn there, and nothing in it waits for the host, so that
a CUDA graph can hold it; `readback` says what the host is given at the end of a sample.
"""

import math

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vae import LEARNING_RATE, MLP, VAE

LOG_2PI = math.log(2 * math.pi)
VAE_CONFIG = {"encoder": {"hidden": [300]}, "latent": 20, "decoder": {"hidden": [300]}}
IMAGES = 1000


class Row:
    """Work that is measured under the name that latentgpu gives it."""

    def __init__(self, name, make, flops=0, moved=0, curve=None, size=None, gpu_only=False, step=False):
        self.name, self.make, self.flops, self.bytes = name, make, flops, moved
        # A point of a curve of latentgpu's is known by the curve and its size.
        self.curve, self.size = curve, size
        self.gpu_only, self.is_step = gpu_only, step


class Work:
    """`run` does it once; `readback`, if there is one, takes its result to the host."""

    def __init__(self, run, readback=None, parameters=0):
        self.run, self.readback, self.parameters = run, readback, parameters


def uniform(device, *shape):
    return torch.rand(*shape, device=device) * 4 - 2


def product(m, k, n, gpu_only=False):
    def make(device, _):
        a, b, c = uniform(device, m, k), uniform(device, k, n), torch.empty(m, n, device=device)
        return Work(lambda: torch.mm(a, b, out=c))

    moved = 4 * (m * k + k * n + m * n)
    return Row(f"product NN {m}×{k}×{n}", make, 2 * m * k * n, moved, gpu_only=gpu_only)


def elementwise(rows, columns, **where):
    """x·y + x in one kernel."""

    def make(device, _):
        x, y = uniform(device, rows, columns), uniform(device, rows, columns)
        z = torch.empty_like(x)
        return Work(lambda: torch.addcmul(x, x, y, out=z))

    return Row(f"elementwise {rows}×{columns}", make, 2 * rows * columns, 12 * rows * columns, **where)


def reduction(name, fold, rows, columns, axis, **where):
    def make(device, _):
        x = uniform(device, rows, columns)
        out = torch.empty(columns if axis == 0 else rows, device=device)
        return Work(lambda: fold(x, axis, out=out))

    kept, what = (rows, "rows") if axis == 1 else (columns, "columns")
    moved = 4 * (rows * columns + kept)
    return Row(f"{name} of {what} {rows}×{columns}", make, rows * columns, moved, **where)


def density(batch, samples, latent):
    """Normal log-densities summed over the last axis, then a log-sum-exp over the samples."""

    def make(device, _):
        z, out = uniform(device, batch, samples, latent), torch.empty(batch, device=device)
        mean, log_std = uniform(device, batch, 1, latent), uniform(device, batch, 1, latent)

        def run():
            each = -0.5 * ((z - mean) * torch.exp(-log_std)).square() - log_std - 0.5 * LOG_2PI
            torch.logsumexp(each.sum(-1), 1, out=out)

        return Work(run)

    numbers = batch * samples * latent
    moved = 4 * (numbers + 2 * batch * latent + batch)
    return Row(f"normal, log-sum-exp {batch}×{samples}×{latent}", make, 7 * numbers, moved)


def normals(count, gpu_only=False):
    def make(device, _):
        x = torch.empty(count, device=device)
        return Work(lambda: x.normal_())

    return Row(f"normal draws {count}", make, 0, 4 * count, gpu_only=gpu_only)


def adam(parameters, captured):
    """PyTorch's Adam as it comes; in a graph its step counter has to live on the device."""
    return torch.optim.Adam(parameters, lr=LEARNING_RATE, **({"capturable": True} if captured else {}))


def stepping(model, loss, optimizer):
    """A training step of a model."""

    def run():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value

    return Work(run, parameters=sum(p.numel() for p in model.parameters()))


def training(name, batch, loss):
    """A batch of grey images is picked and binarised anew in every step, on the device."""

    def make(device, captured):
        model = VAE(VAE_CONFIG).to(device)
        images = torch.rand(IMAGES, 784, device=device) ** 4
        order = torch.randperm(IMAGES, device=device)
        place = torch.zeros((), dtype=torch.long, device=device)
        lanes = torch.arange(batch, device=device)

        def value():
            rows = order[(place + lanes) % IMAGES]
            place.add_(batch)
            return loss(model, torch.bernoulli(images[rows])).mean()

        return stepping(model, value, adam(model.parameters(), captured))

    return Row(name, make, step=True)


def sampling(count):
    def make(device, _):
        model = VAE(VAE_CONFIG).to(device)
        host = torch.empty(count, 784, pin_memory=device.type == "cuda")
        images = torch.empty(count, 784, device=device)

        @torch.no_grad()
        def run():
            z = torch.randn(count, VAE_CONFIG["latent"], device=device)
            torch.sigmoid(model.decoder(z), out=images)

        return Work(run, readback=lambda: host.copy_(images, non_blocking=True))

    return Row(f"sample {count} image{'s' if count > 1 else ''}", make, step=True)


class RealNVP(nn.Module):
    """Affine couplings of halves that change places; log-scales are bounded: s = 3 tanh(h / 3)."""

    def __init__(self, couplings=8, features=64, hidden=128):
        super().__init__()
        half = features // 2
        self.nets = nn.ModuleList(MLP([half, hidden, hidden, 2 * half]) for _ in range(couplings))

    def coupling(self, i, x):
        """The part that stays, the part that moves, its shift and its log-scale."""
        first, second = x.chunk(2, -1)
        stays, moves = (second, first) if i % 2 else (first, second)
        shift, h = self.nets[i](stays).chunk(2, -1)
        return stays, moves, shift, 3 * torch.tanh(h / 3)

    @staticmethod
    def join(i, stays, moved):
        return torch.cat([moved, stays] if i % 2 else [stays, moved], -1)

    def forward(self, z):
        for i in range(len(self.nets)):
            stays, moves, shift, s = self.coupling(i, z)
            z = self.join(i, stays, moves * torch.exp(s) + shift)
        return z

    def log_prob(self, x):
        total = 0
        for i in reversed(range(len(self.nets))):
            stays, moves, shift, s = self.coupling(i, x)
            x = self.join(i, stays, (moves - shift) * torch.exp(-s))
            total = total - s.sum(-1)
        return total - 0.5 * (x.square() + LOG_2PI).sum(-1)


def flow(name, what):
    def make(device, captured):
        model = RealNVP().to(device)
        x = torch.rand(256, 64, device=device) * 2 - 1
        if what == "step":
            return stepping(model, lambda: -model.log_prob(x).mean(), adam(model.parameters(), captured))
        run = model.log_prob if what == "log p" else model
        return Work(torch.no_grad()(lambda: run(x)))

    return Row(name, make, step=True)


BY_BYTES = {
    "elementwise against bytes": lambda b, **k: elementwise(b // 12 // 256, 256, **k),
    "sum of rows against bytes": lambda b, **k: reduction("sum", torch.sum, b // 2048, 512, 1, **k),
    "log-sum-exp of rows against bytes": lambda b, **k: reduction(
        "log-sum-exp", torch.logsumexp, b // 2048, 512, 1, **k
    ),
}
LARGE = {"elementwise against bytes": 12 * 2**25}


def large(curve):
    """What does not fit into a cache: the largest point of a curve of latentgpu's."""
    size = LARGE.get(curve, 2**27)
    return BY_BYTES[curve](size, curve=curve, size=size, gpu_only=True)


ROWS = [
    product(512, 512, 512),
    product(512, 784, 512),
    product(4096, 4096, 4096, gpu_only=True),
    elementwise(1024, 1024),
    reduction("sum", torch.sum, 4096, 512, 1),
    reduction("sum", torch.sum, 4096, 512, 0),
    reduction("log-sum-exp", torch.logsumexp, 4096, 512, 1),
    *map(large, BY_BYTES),
    density(4096, 50, 20),
    normals(2**20),
    normals(2**25, gpu_only=True),
    training("VAE step, batch 100", 100, lambda model, x: model.negative_elbo(x)[0]),
    training("IWAE step K=5, batch 20", 20, lambda model, x: model.nll(x, 5)),
    training("IWAE step K=50, batch 20", 20, lambda model, x: model.nll(x, 50)),
    *map(sampling, [1, 64, 1024, 4096]),
    flow("RealNVP log p, batch 256", "log p"),
    flow("RealNVP inverse, batch 256", "inverse"),
    flow("RealNVP step, batch 256", "step"),
]
