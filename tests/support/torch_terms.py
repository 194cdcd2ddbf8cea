"""Loss, metrics, gradients and what a step leaves behind of exported models, in float64."""
import importlib.util
import json
import sys
import traceback

import torch

torch.set_num_threads(1)


def flat(tensor):
    return tensor.detach().double().flatten().tolist()


def terms_of(case):
    spec = importlib.util.spec_from_file_location("exported", case["file"])
    exported = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(exported)
    model = exported.Model().double()
    state = model.state_dict()
    if sorted(state) != sorted(case["names"]):
        raise ValueError(f"state_dict has {list(state)}")
    model.load_state_dict(
        {name: torch.tensor(case["values"][name]).reshape(own.shape) for name, own in state.items()}
    )
    batch = {
        "x": torch.tensor(case["x"], dtype=torch.float64).reshape(case["rows"], -1),
        "labels": torch.tensor(case["labels"]),
        "epoch": torch.tensor(case["epoch"], dtype=torch.float64),
        "step": torch.tensor(case["step"]),
    }
    noise = {
        name: torch.tensor(values, dtype=torch.float64) for name, values in case["noise"].items()
    }
    terms = model(batch, noise)
    terms.get("surrogate", terms["loss"]).backward()
    left = [flat(value) for _, value in model.__dict__.get("left", ())]
    result = {
        "terms": {name: flat(value) for name, value in terms.items()},
        "gradients": {
            name: None if p.grad is None else flat(p.grad) for name, p in model.named_parameters()
        },
        "left": left,
    }
    # As it is used: in float32, with draws of its own, from its own first values.
    own = exported.Model()
    single = {
        name: value.float() if value.is_floating_point() else value for name, value in batch.items()
    }
    own.start(single)
    result["fresh"] = flat(own.loss(single))
    return result


def told(case):
    try:
        return terms_of(case)
    except Exception:
        return {"error": traceback.format_exc()}


with open(sys.argv[1]) as file:
    print(json.dumps([told(case) if case else {} for case in json.load(file)]))

