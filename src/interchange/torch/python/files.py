# safetensors, IDX and npy, read and written without anything but PyTorch.

NUMBERS = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
    "U32": torch.int32, "BOOL": torch.bool,
}  # fmt: skip
NPY = {
    "f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8",
    "u1": "U8", "u4": "U32", "b1": "BOOL",
}  # fmt: skip


def read_safetensors(path):
    """The tensors of a file by their names: eight bytes of length, a header of JSON, numbers."""
    with open(path, "rb") as file:
        blob = file.read()
    size = int.from_bytes(blob[:8], "little")
    header, body = json.loads(blob[8 : 8 + size]), bytearray(blob[8 + size :])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        (start, end), shape, kind = entry["data_offsets"], entry["shape"], entry["dtype"]
        if start == end:
            tensors[name] = torch.empty(shape, dtype=NUMBERS[kind])
            continue
        numbers = torch.frombuffer(body[start:end], dtype=NUMBERS[kind]).reshape(shape)
        tensors[name] = numbers.long() & 0xFFFFFFFF if kind == "U32" else numbers
    return tensors


def write_safetensors(path, tensors, metadata):
    """Floats as float32, whole numbers as uint32; written beside, then renamed."""
    header, chunks, at = {"__metadata__": metadata}, [], 0
    for name, tensor in tensors.items():
        kind = "F32" if tensor.is_floating_point() else "U32"
        plain = tensor.detach().cpu().to(torch.float32 if kind == "F32" else torch.int32)
        plain = plain.contiguous()
        chunk = ctypes.string_at(plain.data_ptr(), 4 * plain.numel())
        offsets = [at, at + len(chunk)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        chunks.append(chunk)
        at += len(chunk)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(chunks))
    os.replace(path + ".part", path)


def read_data(path):
    """An IDX file, a .npy matrix or stack of images, or the one tensor of a .safetensors file."""
    if path.endswith(".safetensors"):
        tensors = read_safetensors(path)
        if len(tensors) != 1:
            raise SystemExit(f"{path} has {len(tensors)} tensors; data are the only one of a file")
        return next(iter(tensors.values()))
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        blob = bytearray(file.read())
    if blob[:6] == b"\x93NUMPY":
        start = 10 if blob[6] == 1 else 12
        end = start + int.from_bytes(blob[8:start], "little")
        header = ast.literal_eval(blob[start:end].decode("latin1"))
        kind = NPY.get(header["descr"][1:])
        if kind is None or header["fortran_order"] or header["descr"][0] == ">":
            raise SystemExit(f"{path}: save it as C-ordered, little-endian numbers, not {header}")
        return torch.frombuffer(blob[end:], dtype=NUMBERS[kind]).reshape(header["shape"])
    if blob[:3] == b"\0\0\x08":
        shape = [int.from_bytes(blob[4 + 4 * i : 8 + 4 * i], "big") for i in range(blob[3])]
        return torch.frombuffer(blob[4 + 4 * len(shape) :], dtype=torch.uint8).reshape(shape)
    raise SystemExit(f"{path} is no IDX file of bytes, .npy or .safetensors")
