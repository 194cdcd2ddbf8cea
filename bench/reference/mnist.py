"""The four IDX files of MNIST, as numpy arrays."""

import gzip
import os
from pathlib import Path

import numpy as np


def images(split, folder=None):
    """Bytes [N, 784] of the 'train' or 'test' images; folder defaults to $LATENTGPU_DATA."""
    folder = folder or os.environ.get("LATENTGPU_DATA")
    if folder is None:
        raise SystemExit("where is MNIST? give --data FOLDER or set LATENTGPU_DATA")
    name = {"train": "train", "test": "t10k"}[split] + "-images-idx3-ubyte"
    path = Path(folder) / name
    raw = path.read_bytes() if path.exists() else gzip.decompress((Path(folder) / f"{name}.gz").read_bytes())
    magic, count, rows, columns = np.frombuffer(raw, ">u4", 4)
    if magic != 0x803:
        raise SystemExit(f"{path} is not an IDX file of images")
    return np.frombuffer(raw, np.uint8, offset=16).reshape(count, rows * columns)
