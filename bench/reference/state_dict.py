"""The VAE of pytorch/examples (vae/main.py), small and with random weights: a state_dict as people have
it, and what the network computes. Writes the fixture of tests/interchange.test.ts.

    python3 bench/reference/state_dict.py tests/fixtures/torch-state-dict

Two layers give the code: fc21 its mean, fc22 its log-variance. Needs torch and numpy.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import relu

import safetensors_f32 as safetensors

FEATURES, HIDDEN, LATENT = 12, 7, 3


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(FEATURES, HIDDEN)
        self.fc21 = nn.Linear(HIDDEN, LATENT)
        self.fc22 = nn.Linear(HIDDEN, LATENT)
        self.fc3 = nn.Linear(LATENT, HIDDEN)
        self.fc4 = nn.Linear(HIDDEN, FEATURES)

    def encode(self, x):
        h = relu(self.fc1(x))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return torch.sigmoid(self.fc4(relu(self.fc3(z))))


@torch.no_grad()
def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = VAE()
    safetensors.save(out / "weights.safetensors", {k: v.numpy() for k, v in model.state_dict().items()})
    # In float64, stored as float32.
    exact = model.double()
    x = torch.rand(5, FEATURES).double()
    mean, log_variance = exact.encode(x)
    forward = dict(x=x, mean=mean, logStd=log_variance / 2, reconstruction=exact.decode(mean))
    safetensors.save(out / "forward.safetensors", {k: v.numpy() for k, v in forward.items()})


if __name__ == "__main__":
    main()
