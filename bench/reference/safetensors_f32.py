"""The safetensors format, float32 only: header length, JSON header, data."""

import json
import struct
from math import prod
from pathlib import Path

import numpy as np


def save(path, tensors):
    """Writes {name: array}; the header is padded so that the data are aligned."""
    header, end = {}, 0
    for name, value in tensors.items():
        begin, end = end, end + 4 * value.size
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(np.ascontiguousarray(value, "<f4").tobytes() for value in tensors.values())
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)


def load(path):
    """Reads {name: array}."""
    raw = Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(raw, "<f4", prod(t["shape"]), start + t["data_offsets"][0]).reshape(t["shape"])
        for name, t in header.items()
    }
