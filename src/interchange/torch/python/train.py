def load_rows(path, labels_path):
    """Rows [N, D] as they are fed, in [0, 1] if they are bytes, and their classes."""
    data = read_data(path)
    rows = data.reshape(len(data), -1)
    rows = rows.float() / 255 if rows.dtype == torch.uint8 else rows.float()
    if rows.shape[1] != FEATURES:
        raise SystemExit(f"{path} has rows of {rows.shape[1]} numbers; this model takes {FEATURES}")
    if not CLASSES:
        return {"x": rows}
    if labels_path is None:
        raise SystemExit(f"this model is told classes: name those of {path} with --labels")
    labels = read_data(labels_path).long().flatten()
    if len(labels) != len(rows) or labels.min() < 0 or labels.max() >= CLASSES:
        raise SystemExit(f"{labels_path}: {len(rows)} classes from 0 to {CLASSES - 1} are wanted")
    return {"x": rows, "labels": labels}


def standardization(rows):
    """Means and deviations of the features, of images those of each channel."""
    channels = FEATURES if len(SHAPE) == 1 else SHAPE[2] if len(SHAPE) == 3 else 1
    apart = rows.double().reshape(-1, channels)
    mean, std = apart.mean(0), apart.std(0, unbiased=False)
    std = torch.where(std > 0, std, torch.ones_like(std))
    return tuple(each.float().repeat(FEATURES // channels) for each in (mean, std))


def batch_of(data, index, epoch, step, binarize, device):
    batch = {name: tensor[index].to(device) for name, tensor in data.items()}
    if binarize == "resampled":
        batch["x"] = torch.bernoulli(batch["x"])
    elif binarize == "static":
        batch["x"] = (batch["x"] >= 0.5).float()
    batch["epoch"] = torch.tensor(float(epoch), device=device)
    batch["step"] = torch.tensor(step, device=device)
    return batch


@torch.no_grad()
def evaluate(model, data, args, rank, world, device):
    """The mean loss of rows that every process takes its share of."""
    model.eval()
    sums = torch.zeros(2, device=device, dtype=torch.float64 if device.type != "mps" else None)
    for index in torch.arange(rank, len(data["x"]), world).split(args.batch):
        batch = batch_of(data, index, args.epochs, 0, args.binarize, device)
        sums += torch.tensor([model(batch)["loss"].item() * len(index), len(index)], device=device)
    if world > 1:
        dist.all_reduce(sums)
    model.train()
    return (sums[0] / sums[1]).item()


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="rows: IDX (.gz too), .npy or .safetensors")
    add("--labels", help="their classes, of a model that is told them")
    add("--test", help="rows to evaluate on after every epoch")
    add("--test-labels", help="their classes")
    add("--out", default="weights.safetensors", help="what is written at the end")
    add("--weights", help="a weights.safetensors to start from")
    add("--epochs", type=int, default=DEFAULTS["epochs"])
    add("--batch", type=int, default=DEFAULTS["batch"], help="rows of a step, of all processes")
    add("--lr", type=float, default=DEFAULTS["lr"], help="learning rate of Adam")
    add("--schedule", choices=["constant", "cosine"], default=DEFAULTS["schedule"])
    add("--clip", type=float, default=DEFAULTS["clip"], help="largest norm of the gradient")
    add("--binarize", choices=["resampled", "static", "none"], default=DEFAULTS["binarize"])
    add("--seed", type=int, default=0)
    add("--amp", choices=["bf16", "fp16"], help="mixed precision")
    add("--backend", help="nccl on CUDA, else gloo")
    add("--checkpoint", help="written after every epoch; goes on from it if it is there")
    return parser.parse_args()


def main():
    args = arguments()
    rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    on_cuda = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if on_cuda else torch.device("cpu")
    if args.amp == "fp16" and not on_cuda:
        raise SystemExit("--amp fp16 needs a GPU; a processor takes --amp bf16")
    for option, path in (("--out", args.out), ("--checkpoint", args.checkpoint)):
        place = os.path.dirname(path or "") or "."
        if rank == 0 and not os.path.isdir(place):
            raise SystemExit(f"{option} {path}: there is no folder {place}; make it first")
    if on_cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group(args.backend or ("nccl" if on_cuda else "gloo"))
    if args.batch < world:
        raise SystemExit(f"--batch {args.batch} is less than the {world} processes")

    def tell(text):
        if rank == 0:
            print(text, flush=True)

    data = load_rows(args.data, args.labels)
    test = load_rows(args.test, args.test_labels) if args.test else None
    torch.manual_seed(args.seed)
    model = Model()
    held = read_safetensors(args.weights) if args.weights else {}
    scale = (held.pop("standardize.mean", None), held.pop("standardize.std", None))
    if held:
        model.load_state_dict(held)
    elif UNTOLD:
        raise SystemExit(f"{', '.join(UNTOLD)} cannot be drawn here; start from --weights")
    if STANDARDIZED:
        scale = scale if scale[0] is not None else standardization(data["x"])
        for rows in filter(None, (data, test)):
            rows["x"] = (rows["x"] - scale[0]) / scale[1]
    model.to(device)
    own = args.batch // world
    sampler = DistributedSampler(range(len(data["x"])), world, rank, seed=args.seed, drop_last=True)
    steps = len(sampler) // own
    if steps == 0:
        raise SystemExit(f"{args.data} has {len(data['x'])} rows, fewer than --batch {args.batch}")
    first = batch_of(data, torch.arange(own), 0, 0, args.binarize, device)
    saved = checkpoint_of(args.checkpoint, device)
    if not held and saved is None:
        model.start(first)
    # What no gradient reaches, nobody has to wait for.
    terms = model(first)
    terms.get("surrogate", terms["loss"]).backward()
    model.__dict__.pop("left", None)
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.grad is not None)
        parameter.grad = None
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=args.lr)
    total = args.epochs * steps
    rate = (lambda at: 0.5 * (1 + math.cos(math.pi * min(1, at / total)))) if args.schedule == "cosine" else (lambda at: 1.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    scaler = torch.cuda.amp.GradScaler(enabled=on_cuda and args.amp == "fp16")
    done = 0
    if saved is not None:
        model.load_state_dict(saved["model"])
        for name, value in saved["fixed"].items():
            dict(model.named_buffers())[name].copy_(value)
        for part, name in ((optimizer, "optimizer"), (schedule, "schedule"), (scaler, "scaler")):
            part.load_state_dict(saved[name])
        done = saved["epoch"]
        tell(f"goes on after epoch {done} of {args.checkpoint}")
    parallel = model
    if world > 1:
        parallel = DistributedDataParallel(model, device_ids=[device.index] if on_cuda else None)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(args.amp, torch.bfloat16)
    for epoch in range(done, args.epochs):
        # Of the epoch alone, so that a run that goes on draws what it would have drawn.
        torch.manual_seed((args.seed * 1_000_003 + epoch) * world + rank)
        sampler.set_epoch(epoch)
        rows = torch.tensor(list(sampler))[: steps * own].split(own)
        sums, began = {}, time.perf_counter()
        for at, index in enumerate(rows):
            step = epoch * steps + at
            batch = batch_of(data, index, step / steps, step, args.binarize, device)
            with torch.autocast(device.type, dtype=kind, enabled=args.amp is not None):
                terms = parallel(batch)
            optimizer.zero_grad(set_to_none=True)
            scaler.scale(terms.get("surrogate", terms["loss"])).backward()
            if args.clip:
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(trained, args.clip)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            model.settle()
            for name, value in terms.items():
                sums[name] = sums.get(name, 0) + value.detach().float()
        means = torch.stack([sums[name] / steps for name in sums])
        if world > 1:
            dist.all_reduce(means)
            means /= world
        if not math.isfinite(means[0].item()):
            raise SystemExit(f"the loss of epoch {epoch + 1} is not finite; lower --lr or set --clip")
        seconds = time.perf_counter() - began
        told = [f"{name} {value:.3f}" for name, value in zip(sums, means.tolist())]
        if test is not None:
            told.append(f"test loss {evaluate(model, test, args, rank, world, device):.3f}")
        tell(f"epoch {epoch + 1}/{args.epochs}  {'  '.join(told)}  {steps * own * world / seconds:.0f} rows/s")
        if args.checkpoint and rank == 0:
            kept = model.state_dict()
            state = {
                "of": MODEL,
                "epoch": epoch + 1,
                "model": kept,
                "fixed": {name: value for name, value in model.named_buffers() if name not in kept},
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "scaler": scaler.state_dict(),
            }
            torch.save(state, args.checkpoint + ".part")
            os.replace(args.checkpoint + ".part", args.checkpoint)
    if rank == 0:
        tensors = dict(model.state_dict())
        if STANDARDIZED:
            tensors.update({"standardize.mean": scale[0], "standardize.std": scale[1]})
        write_safetensors(args.out, tensors, {"format": "pt", "latentgpu.model": MODEL})
        tell(f"{args.out}: latentgpu import {shlex.quote(args.out)} --out DIR")
    if world > 1:
        # gloo can hang where one process closes while another still holds its reducer.
        dist.barrier()
        del parallel
        dist.destroy_process_group()


def checkpoint_of(path, device):
    """What `--checkpoint` holds, once it is there."""
    if path is None or not os.path.exists(path):
        return None
    try:
        saved = torch.load(path, map_location=device)
        other = saved.get("of", MODEL) != MODEL
    except Exception as error:
        raise SystemExit(f"{path} is no checkpoint that can be read ({type(error).__name__})")
    if other:
        raise SystemExit(f"{path} is the checkpoint of another model; name another file, or remove it")
    return saved


if __name__ == "__main__":
    try:
        main()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise SystemExit(str(error))
