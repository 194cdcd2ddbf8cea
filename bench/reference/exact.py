"""Probabilistic PCA on MNIST / 255 in closed form, float64 (Tipping and Bishop 1999).

    python3 bench/reference/exact.py --data FOLDER

Prints the mean log-likelihood in nats of the maximum-likelihood model for each latent size: the
figures that a linear VAE with a learned, shared σ² approaches from below (Lucas et al. 2019).
Needs numpy.
"""

import argparse

import numpy as np

import mnist


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", help="folder of the IDX files (default: $LATENTGPU_DATA)")
    parser.add_argument("--latent", type=int, nargs="+", default=[2, 10, 50, 100], help="M")
    args = parser.parse_args()

    train, test = (mnist.images(split, args.data) / 255 for split in ("train", "test"))
    mean = train.mean(0)
    centred = train - mean
    eigenvalues, axes = np.linalg.eigh(centred.T @ centred / len(train))
    eigenvalues, axes = eigenvalues[::-1].clip(0), axes[:, ::-1]
    features = len(mean)

    # Mean square of the data along each axis: for the training set these are the eigenvalues.
    spread = {"train": eigenvalues, "test": np.square((test - mean) @ axes).mean(0)}

    print("   M    sigma^2  train nats   test nats")
    for latent in args.latent:
        # The covariance WWᵀ + σ²I has the top M eigenvalues, and σ², the mean of the others.
        noise = eigenvalues[latent:].mean()
        model = np.concatenate([eigenvalues[:latent], np.full(features - latent, noise)])
        log_normaliser = features * np.log(2 * np.pi) + np.log(model).sum()
        train_nats, test_nats = (-(log_normaliser + (s / model).sum()) / 2 for s in spread.values())
        print(f"{latent:4d} {noise:10.6f} {train_nats:11.4f} {test_nats:11.4f}")


if __name__ == "__main__":
    main()
