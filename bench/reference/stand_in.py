"""Figures of the digits that tests take where there is no MNIST, in float64: what the tests hold then.

    node --input-type=module -e "
      import { writeFileSync } from 'node:fs';
      import { digits } from 'latentgpu';
      writeFileSync('train', digits({ count: 10000, seed: 1 }).data);
      writeFileSync('test', digits({ count: 2000, seed: 1, split: 'test' }).data);"
    python3 bench/reference/stand_in.py --data .

Every training image counts six times and every test image five times, so that there are as many as in MNIST
(tests/support/mnist.ts). Prints what exact.py, tests/gaussian-mnist.test.ts and vae.py have of MNIST: the likelihood
of probabilistic PCA; the log-density of a normal distribution with a full covariance over logits of dequantised
images; the figures of tests/fixtures/torch-vae, over passes. Needs numpy.
"""

import argparse
from pathlib import Path

import numpy as np

import safetensors_f32 as safetensors

FIXTURE = Path(__file__).parents[2] / "tests/fixtures/torch-vae/weights.safetensors"
FEATURES = 28 * 28


def pca(train, latent):
    """Mean log-likelihood of the maximum-likelihood model (Tipping and Bishop 1999), nats."""
    centred = train - train.mean(0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / len(train))[::-1].clip(0)
    noise = eigenvalues[latent:].mean()
    logs = np.log(eigenvalues[:latent]).sum() + (FEATURES - latent) * np.log(noise)
    return -(FEATURES * np.log(2 * np.pi) + logs + FEATURES) / 2


def logits(images, rng, alpha=1e-6):
    """logit of alpha + (1 - 2 alpha) (image + noise) / 256, and log |d logit / d image in [0, 1]|."""
    p = alpha + (1 - 2 * alpha) * (images * 255 + rng.random(images.shape)) / 256
    return np.log(p) - np.log1p(-p), (np.log(1 - 2 * alpha) - np.log(p) - np.log1p(-p)).sum(1)


def normal(train, test, rng):
    """Nats of logits and bits a dimension of test images, the normal fitted to 50,000 training images."""
    fitted, _ = logits(train, rng)
    mean = fitted.mean(0)
    covariance = (fitted - mean).T @ (fitted - mean) / len(fitted)
    y, log_det = logits(test, rng)
    whole = np.linalg.cholesky(covariance)
    z = np.linalg.solve(whole, (y - mean).T)
    of_logits = -(np.square(z).sum(0) + FEATURES * np.log(2 * np.pi)) / 2 - np.log(np.diag(whole)).sum()
    of_images = (of_logits + log_det).mean()
    return of_logits.mean(), (np.log(256) * FEATURES - of_images) / (FEATURES * np.log(2))


class Vae:
    def __init__(self, weights):
        self.weights = {name: value.astype(np.float64) for name, value in weights.items()}

    def mlp(self, part, x):
        for i in range(2):
            x = x @ self.weights[f"{part}.{i}.weight"].T + self.weights[f"{part}.{i}.bias"]
            x = np.maximum(x, 0) if i == 0 else x
        return x

    def encode(self, x):
        return np.split(self.mlp("encoder", x), 2, -1)

    def log_likelihood(self, x, z):
        y = self.mlp("decoder", z)
        return (x * y - np.logaddexp(0, y)).sum(-1)

    def terms(self, x, rng):
        """The negative ELBO and the KL in it, [N, 2]."""
        mean, log_std = self.encode(x)
        kl = (mean**2 + np.exp(2 * log_std) - 1 - 2 * log_std).sum(-1) / 2
        z = mean + np.exp(log_std) * rng.standard_normal(mean.shape)
        return np.stack([kl - self.log_likelihood(x, z), kl], -1)

    def nll(self, x, samples, rng):
        mean, log_std = self.encode(x)
        noise = rng.standard_normal((samples, *mean.shape))
        z = mean + np.exp(log_std) * noise
        log_weights = self.log_likelihood(x, z) + (noise**2 / 2 + log_std - z**2 / 2).sum(-1)
        return np.log(samples) - np.logaddexp.reduce(log_weights, 0)


def over(passes, quantity):
    """Mean of a quantity [N, …] over passes and images, and the deviation of one pass's mean."""
    total, squares = 0, 0
    for _ in range(passes):
        own = quantity()
        total, squares = total + own, squares + own**2
    variances = (squares - total**2 / passes) / (passes - 1)
    return (total / passes).mean(0), np.sqrt(variances.sum(0)) / len(total)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", default=".", help="folder of the files train and test")
    parser.add_argument("--passes", type=int, default=20)
    args = parser.parse_args()
    read = lambda split: np.fromfile(Path(args.data) / split, np.uint8).reshape(-1, FEATURES) / 255
    train, test = read("train"), read("test")
    rng = np.random.default_rng(1)
    print(f"probabilistic PCA, M = 2: {pca(train, 2):.4f} nats")
    nats, bits = normal(np.tile(train, (5, 1)), np.tile(test, (5, 1)), rng)
    print(f"normal with a full covariance: {nats:.2f} nats of logits, {bits:.4f} bits a dimension")
    vae = Vae(safetensors.load(FIXTURE))
    binary = lambda x: (rng.random(x.shape) < x).astype(np.float64)
    # A pass is of five draws of each image, as of five images.
    terms, deviations = over(5 * args.passes, lambda: vae.terms(binary(test), rng))
    for name, value, one in zip(["negative ELBO", "KL"], terms, deviations / np.sqrt(5)):
        print(f"{name}: {value:.4f}, deviation of a pass {one:.4f}")
    value, one = over(args.passes, lambda: vae.nll(binary(test[:500]), 100, rng))
    print(f"NLL of the first 500 by 100 samples: {value:.4f}, deviation of a pass {one:.4f}")


if __name__ == "__main__":
    main()
