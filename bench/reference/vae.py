"""The VAE of the lectures in PyTorch, on the CPU: the figures latentgpu is compared with.

    python3 bench/reference/vae.py --data FOLDER --out DIR                 train and evaluate
    python3 bench/reference/vae.py --data FOLDER --load DIR                evaluate a model folder, from
                                                                           here or from latentgpu

Network: 784 → H ReLU → 2M (mean, log standard deviation) and M → H ReLU → 784 Bernoulli logits, with
PyTorch's default initialisation. Adam 1e-3, batches of 100, single-sample ELBO with the analytic KL.
Binarisation is resampled: every time an image is shown, in training and in evaluation, each pixel is
drawn anew, x ~ Bernoulli(pixel / 255).

DIR receives model.json and weights.safetensors (what latentgpu reads), and reference.json.
Needs torch and numpy. On Debian: python3-torch and libopenblas0-pthread, without which its products
run on the reference BLAS, some 30 times slower. One thread by default: with two that other work
disturbs, steps wait for each other. The JSON is written for machines; `npm run format` tidies it.
"""

import argparse
import datetime
import json
import math
import os
import shlex
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu

import mnist
import safetensors_f32 as safetensors

BATCH = 100
LEARNING_RATE = 1e-3


class MLP(nn.ModuleList):
    def __init__(self, widths):
        super().__init__(nn.Linear(n, m) for n, m in zip(widths, widths[1:]))

    def forward(self, x):
        *hidden, last = self
        for layer in hidden:
            x = relu(layer(x))
        return last(x)


class VAE(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        features, latent = 28 * 28, config["latent"]
        self.encoder = MLP([features, *config["encoder"]["hidden"], 2 * latent])
        self.decoder = MLP([latent, *config["decoder"]["hidden"], features])

    def encode(self, x):
        """Mean and log standard deviation of q(z | x), each [B, M]."""
        return self.encoder(x).chunk(2, dim=-1)

    def log_likelihood(self, x, z):
        """log p(x | z) in nats, [...]: x [..., 784], z [..., M]."""
        logits = self.decoder(z)
        loss = binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none")
        return -loss.sum(-1)

    def negative_elbo(self, x, noise=None):
        """The negative ELBO with one z per image, and the KL in it: both in nats, [B]."""
        mean, log_std = self.encode(x)
        noise = torch.randn_like(mean) if noise is None else noise
        kl = (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(-1) / 2
        return kl - self.log_likelihood(x, mean + log_std.exp() * noise), kl

    def nll(self, x, samples):
        """-log of the mean of `samples` importance weights p(x, z) / q(z | x): nats, [B]."""
        mean, log_std = self.encode(x)
        noise = torch.randn(samples, *mean.shape, device=mean.device)
        z = mean + log_std.exp() * noise
        log_prior_ratio = (noise**2 / 2 + log_std - z**2 / 2).sum(-1)
        log_weights = self.log_likelihood(x, z) + log_prior_ratio
        return math.log(samples) - log_weights.logsumexp(0)


def train(model, images, epochs):
    """Returns the seconds that each step took."""
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    seconds = []
    for epoch in range(epochs):
        total = 0.0
        batches = torch.randperm(len(images)).split(BATCH)
        for batch in batches:
            start = time.perf_counter()
            loss = model.negative_elbo(torch.bernoulli(images[batch]))[0].mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
            seconds.append(time.perf_counter() - start)
        print(f"epoch {epoch + 1}: negative ELBO {total / len(batches):.3f}", file=sys.stderr)
    return seconds


def summary(passes):
    """Mean over passes and images of a quantity [P, N], and how well it is known.

    Given the images, passes are independent, and so are images within a pass: the deviation of one
    pass's mean over the images follows from each image's own variance over the passes.
    """
    passes = passes.double()
    count, images = passes.shape
    one_pass = (passes.var(0).sum().sqrt() / images).item()
    return {
        "value": passes.mean().item(),
        "standardErrorOverPasses": one_pass / count**0.5,
        "standardErrorOverImages": (passes.mean(0).std() / images**0.5).item(),
        "standardDeviationOfOnePass": one_pass,
    }


@torch.no_grad()
def evaluate(model, images, args):
    def over_passes(pixels, passes, batch, quantity):
        """[passes, N, ...]: every pass binarises anew and draws new noise."""
        return torch.stack(
            [torch.cat([quantity(torch.bernoulli(x)) for x in pixels.split(batch)]) for _ in range(passes)]
        )

    both = over_passes(images, args.passes, 1000, lambda x: torch.stack(model.negative_elbo(x), -1))
    few, samples = images[: args.nll_count], args.nll_samples
    nll = over_passes(few, args.nll_passes, max(1, 5000 // samples), lambda x: model.nll(x, samples))
    return {
        "split": "test",
        "binarization": "resampled",
        "count": len(images),
        "passes": args.passes,
        "negativeElbo": summary(both[..., 0]),
        "kl": summary(both[..., 1]),
        "nll": {"count": len(few), "samples": samples, "passes": args.nll_passes, **summary(nll)},
    }


@torch.no_grad()
def forward_tensors(model, count):
    """Inputs and outputs of the network, in float64: a check that needs neither data nor statistics.

    x are binary images that the model itself draws; z = mean + exp(logStd) · noise.
    """
    exact = VAE(model.config).double()
    exact.load_state_dict(model.state_dict())
    latent = model.config["latent"]
    x = torch.bernoulli(exact.decoder(torch.randn(count, latent).double()).sigmoid())
    noise = torch.randn(count, latent).double()
    mean, log_std = exact.encode(x)
    z = mean + log_std.exp() * noise
    negative_elbo, kl = exact.negative_elbo(x, noise)
    named = dict(x=x, noise=noise, mean=mean, logStd=log_std, z=z, logits=exact.decoder(z), kl=kl)
    return {name: value.numpy() for name, value in {**named, "negativeElbo": negative_elbo}.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", help="folder of the IDX files (default: $LATENTGPU_DATA)")
    parser.add_argument("--out", help="folder to write")
    parser.add_argument("--load", help="evaluate this model folder instead of training")
    parser.add_argument("--hidden", type=int, nargs="+", default=[300], help="H")
    parser.add_argument("--latent", type=int, default=20, help="M")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--passes", type=int, default=20, help="of the test set, for the ELBO")
    parser.add_argument("--nll-count", type=int, default=1000, help="first test images for the NLL")
    parser.add_argument("--nll-samples", type=int, default=500, help="K")
    parser.add_argument("--nll-passes", type=int, default=3)
    parser.add_argument("--forward", type=int, default=0, help="images in forward.safetensors")
    args = parser.parse_args()
    if not (args.out or args.load):
        parser.error("give --out to train or --load to evaluate")
    torch.set_num_threads(args.threads)

    pixels = lambda split: torch.from_numpy(mnist.images(split, args.data) / 255).float()
    report = {
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
        "cores": os.cpu_count(),
        "threads": args.threads,
        "command": "python3 " + shlex.join(sys.argv),
    }
    if args.load:
        config = json.loads((Path(args.load) / "model.json").read_text())
        weights = safetensors.load(Path(args.load) / "weights.safetensors")
        model = VAE(config)
        model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    else:
        net = {"hidden": args.hidden, "activation": "relu"}
        config = {
            "format": 1,
            "family": "vae",
            "data": {"shape": [28, 28]},
            "encoder": net,
            "latent": args.latent,
            "decoder": net,
            "likelihood": {"kind": "bernoulli"},
        }
        torch.manual_seed(args.seed)
        model = VAE(config)
        seconds = torch.tensor(train(model, pixels("train"), args.epochs))
        low, median, high = (1000 * seconds.quantile(torch.tensor([0.1, 0.5, 0.9]))).tolist()
        report["training"] = {
            "epochs": args.epochs,
            "batch": BATCH,
            "learningRate": LEARNING_RATE,
            "seed": args.seed,
            "millisecondsPerStep": {"median": median, "p10": low, "p90": high},
        }

    torch.manual_seed(args.seed + 1)  # so that --load repeats the evaluation
    report["evaluation"] = evaluate(model, pixels("test"), args)
    if args.out:
        out = Path(args.out)
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / "model.json", config)
        safetensors.save(out / "weights.safetensors", {k: v.numpy() for k, v in model.state_dict().items()})
        write_json(out / "reference.json", report)
        if args.forward:
            safetensors.save(out / "forward.safetensors", forward_tensors(model, args.forward))
    json.dump(report, sys.stdout, indent=2)
    print()


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


if __name__ == "__main__":
    main()
