"""CIFAR-10 on a GPU: what each technique changes in a training of seconds.

    python -m studies.cifar10_gpu --data FOLDER --out results.json --commit HASH

FOLDER has `train/<class>/` and `test/<class>/`. The networks, the arms, the training and the seeds
are those of `cifar10_gpu.json`. The baseline chooses the network, with a seed of its own. Results
are written after each run; a study that is cut off continues.
All images are on the GPU; crops, mirror images and mixup are made there for whole batches. A
training step is captured as a CUDA graph once for each image size. On a CPU the same code runs
without graphs.
"""

import argparse
import base64
import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from joblib import Parallel, delayed

from lesson7.data.files import open_image, write_atomically
from lesson7.data.hardware import best_device, machine
from lesson7.mixup import mix_batch, sample_lambda
from lesson7.models import architecture
from lesson7.normalize import batch_stats
from lesson7.smoothing import ece

DESIGN = Path(__file__).with_suffix(".json")
PILOT_SEED = 0  # of the runs that choose the network
SHIFTS = ((0, 0), (1, 1), (-1, -1))  # of the views that are averaged, pixels


@dataclass(frozen=True)
class Arm:
    "What an arm changes; the defaults are those of the baseline."

    normalize: bool = True
    mixup: float = 0.0  # alpha; 0: off
    smoothing: float = 0.0  # eps
    small: int = 0  # side of the images in the first stage, pixels; 0: no first stage


@dataclass(frozen=True)
class Training:
    "What all arms share."

    size: int  # side of the images, pixels
    bs: int  # images in a batch
    epochs: int  # at `size`; a first stage takes some of their pixels
    lr: float  # largest learning rate
    momentum: float
    weight_decay: float
    pad: int  # largest shift of an image, pixels
    small_share: float  # share of the pixels that a first stage takes, 0 to 1


@dataclass(frozen=True)
class Network:
    "An xresnet18 for small images: its first convolution has stride 1."

    widen: float = 1.0  # times xresnet18's channels
    pool: bool = True  # whether the stem ends with its max pooling

    def build(self):
        model = architecture("xresnet18")(n_out=10, widen=self.widen)
        model[0][0].stride = (1, 1)  # a stem for 224 px would leave 8 x 8 of 32 x 32 pixels
        if not self.pool:
            model[3] = torch.nn.Identity()
        return model


@dataclass
class Images:
    "Images and labels on the device."

    x: torch.Tensor  # bytes [N,3,H,W]
    y: torch.Tensor  # class indices [N]


def read_design(file=DESIGN):
    "Return training, networks, arms and seeds; the seeds follow from the file's content."
    text = Path(file).read_bytes()
    design = json.loads(text)
    digest = hashlib.sha256(text).digest()
    count = design["seeds"]
    seeds = [int.from_bytes(digest[2 * i : 2 * i + 2], "big") for i in range(count)]
    arms = {name: Arm(**values) for name, values in design["arms"].items()}
    networks = {name: Network(**values) for name, values in design["networks"].items()}
    return Training(**design["training"]), networks, arms, seeds


def decode(files):
    "Return images as bytes [N,H,W,3]."
    return np.stack([np.asarray(open_image(file)) for file in files])


def read_images(folder, device):
    "Return the images of a folder of classes, each decoded once."
    files = sorted(Path(folder).glob("*/*"))
    parts = [files[i : i + 1000] for i in range(0, len(files), 1000)]
    pixels = np.concatenate(Parallel(-1)(delayed(decode)(part) for part in parts))
    vocab = sorted({file.parent.name for file in files})
    x = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor([vocab.index(file.parent.name) for file in files])
    return Images(x.to(device), y.to(device))


def resize(x, size):
    "Return images [N,3,size,size], as bytes; the mean of the area that a pixel covers."
    if x.shape[-1] == size:
        return x
    parts = [F.interpolate(part.float(), size=size, mode="area") for part in x.split(5000)]
    return torch.cat(parts).round().byte()


def shift_and_mirror(x, pad, generator):
    "Return images moved by up to `pad` pixels, with a reflected border; half of them mirrored."
    n, _, height, width = x.shape
    padded = F.pad(x, [pad] * 4, mode="reflect")
    shift = torch.randint(2 * pad + 1, (n, 2), generator=generator).to(x.device, non_blocking=True)
    mirror = torch.randint(2, (n, 1), generator=generator).to(x.device, non_blocking=True)
    rows = shift[:, :1] + torch.arange(height, device=x.device)
    columns = torch.arange(width, device=x.device).expand(n, -1)
    columns = shift[:, 1:] + torch.where(mirror == 1, width - 1 - columns, columns)
    index = torch.arange(n, device=x.device)[:, None, None]
    cut = padded.permute(0, 2, 3, 1)[index, rows[:, :, None], columns[:, None, :]]
    return cut.permute(0, 3, 1, 2)


class Scale:
    "Bytes to the floats that the model sees."

    def __init__(self, x, is_normalized):
        device = x.device
        if is_normalized:
            stats = batch_stats(x[::10].float() / 255)
            self.mean = torch.tensor(stats.mean, device=device)[:, None, None]
            self.std = torch.tensor(stats.std, device=device)[:, None, None]
        else:
            self.mean, self.std = torch.zeros(1, device=device), torch.ones(1, device=device)

    def __call__(self, x):
        return (x.float() / 255 - self.mean) / self.std


def learning_rate(step, n_steps, largest):
    "Return the learning rate of a step: up for a quarter of the steps, then down to almost zero."
    share = step / n_steps
    if share < 0.25:
        return largest * (0.04 + 0.96 * (1 - math.cos(math.pi * share / 0.25)) / 2)
    return largest * (1 + math.cos(math.pi * (share - 0.25) / 0.75)) / 2


def half_precision(x):
    "Compute in bfloat16 on a GPU; most CPUs can only imitate it, which takes ten times as long."
    return torch.autocast(x.device.type, torch.bfloat16, enabled=x.is_cuda)


def forward_backward(model, x, y, smoothing):
    "Return the loss of a batch with soft targets, after adding its gradients."
    with half_precision(x):
        loss = F.cross_entropy(model(x).float(), y, label_smoothing=smoothing)
    loss.backward()
    return loss.detach()


class Step:
    "Computes the gradients of a batch; on a GPU as a graph, captured for one shape of a batch."

    def __init__(self, model, x, y, smoothing):
        self.model, self.smoothing = model, smoothing
        self.graph = None
        if x.is_cuda:
            self._capture(x, y)

    def _capture(self, x, y):
        self.x, self.y = x.clone(memory_format=torch.channels_last), y.clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):  # cuDNN chooses its algorithms
                self._zero_gradients()
                forward_backward(self.model, self.x, self.y, self.smoothing)
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self._zero_gradients()
            self.loss = forward_backward(self.model, self.x, self.y, self.smoothing)

    def _zero_gradients(self):
        self.model.zero_grad(set_to_none=False)

    def __call__(self, x, y):
        "Return the loss of a batch, on the device."
        if self.graph is None:
            self._zero_gradients()
            return forward_backward(self.model, x, y, self.smoothing)
        self.x.copy_(x)
        self.y.copy_(y)
        self.graph.replay()
        return self.loss


def stages(arm, training):
    "Return (size, epochs, largest learning rate) of each stage: equal pixels for all arms."
    if not arm.small:
        return [(training.size, training.epochs, training.lr)]
    price = (arm.small / training.size) ** 2
    first = round(training.small_share * training.epochs / price)
    last = training.epochs - round(first * price)
    return [(arm.small, first, training.lr), (training.size, last, training.lr / 2)]


class Trainer:
    "Trains arms one after another with one model, whose graphs are captured once."

    def __init__(self, network, training, train, device):
        self.network = network
        self.training = training
        self.device = device
        self.train_images = train
        self.sizes = {}  # side -> the training images, resized once
        self.steps = {}  # (side, smoothing) -> Step
        self.model = self.build(0)

    def build(self, seed):
        "Return a model with the initial weights of a seed."
        torch.manual_seed(seed)
        model = self.network.build()
        return model.to(self.device, memory_format=torch.channels_last)

    def images(self, size):
        if size not in self.sizes:
            self.sizes[size] = resize(self.train_images.x, size)
        return self.sizes[size]

    def step(self, size, smoothing):
        "Return the step for a size; capturing it changes the model, so the weights are set later."
        key = size, smoothing
        if key not in self.steps:
            x = torch.zeros(self.training.bs, 3, size, size, device=self.device)
            y = torch.full((self.training.bs, 10), 0.1, device=self.device)
            self.steps[key] = Step(self.model, x, y, smoothing)
        return self.steps[key]

    def prepare(self, arm):
        "Resize the images and capture the steps of an arm; not counted as training."
        self.model.train()
        for size, _, _ in stages(arm, self.training):
            self.images(size)
            self.step(size, arm.smoothing)

    def train(self, arm, seed):
        "Return the mean training loss of each epoch."
        self.model.load_state_dict(self.build(seed).state_dict())
        self.model.train()
        generator = torch.Generator().manual_seed(seed)
        scale = Scale(self.train_images.x, arm.normalize)
        losses = []
        for size, epochs, lr in stages(arm, self.training):
            losses += self._stage(arm, size, epochs, lr, scale, generator)
        return torch.stack(losses).tolist()

    def _stage(self, arm, size, epochs, lr, scale, generator):
        "Return the losses of the epochs of a stage, on the device."
        x, bs = self.images(size), self.training.bs
        step = self.step(size, arm.smoothing)
        n_steps = epochs * (len(x) // bs)
        optimizer = self._optimizer()
        losses, done = [], 0
        for _ in range(epochs):
            order = torch.randperm(len(x), generator=generator).to(self.device)
            total = torch.zeros((), device=self.device)
            for batch in order[: len(x) // bs * bs].split(bs):
                optimizer.param_groups[0]["lr"] = learning_rate(done, n_steps, lr)
                inputs, targets = self._batch(arm, x[batch], batch, scale, generator)
                total += step(inputs, targets)
                optimizer.step()
                done += 1
            losses.append(total / (len(x) // bs))
        return losses

    def _optimizer(self):
        plan = self.training
        return torch.optim.SGD(
            self.model.parameters(),
            lr=plan.lr,
            momentum=plan.momentum,
            weight_decay=plan.weight_decay,
            nesterov=True,
            fused=self.device == "cuda",
        )

    def _batch(self, arm, x, index, scale, generator):
        "Return a batch as the model sees it, with soft targets."
        pad = max(1, round(self.training.pad * x.shape[-1] / self.training.size))
        x = scale(shift_and_mirror(x, pad, generator))
        y = F.one_hot(self.train_images.y[index], 10).float()
        if arm.mixup:
            lam = sample_lambda(len(x), arm.mixup, generator=generator)
            perm = torch.randperm(len(x), generator=generator)
            x, y = mix_batch(x, y, lam.to(self.device), perm)
        return x.contiguous(memory_format=torch.channels_last), y


def views(x):
    "Yield the views of images: three places and their mirror images; the plain view first."
    height, width = x.shape[-2:]
    padded = F.pad(x, [1] * 4, mode="reflect")
    for dy, dx in SHIFTS:
        moved = padded[..., 1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        yield moved
        yield moved.flip(-1)


@torch.no_grad()
def predict(model, x):
    "Return the probabilities [views,N,10] of images as the model sees them."
    model.eval()
    found = []
    for part in x.split(2000):
        with half_precision(x):
            outputs = [model(view).float() for view in views(part)]
        found.append(torch.stack(outputs).softmax(-1))
    return torch.cat(found, 1)


def measures(probs, y):
    "Return accuracy, loss and calibration error, and which images were right (packed bits)."
    right = probs.argmax(1) == y
    loss = F.nll_loss(probs.clamp(min=1e-9).log(), y)
    bits = np.packbits(right.cpu().numpy()).tobytes()
    return dict(
        accuracy=right.double().mean().item(),
        loss=loss.item(),
        ece=ece(probs.cpu(), y.cpu()),
        right=base64.b64encode(bits).decode(),
    )


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def run(trainer, val, name, arm, seed):
    "Return the result of one training."
    trainer.prepare(arm)
    synchronize(trainer.device)
    start = time.perf_counter()
    losses = trainer.train(arm, seed)
    synchronize(trainer.device)
    seconds = time.perf_counter() - start
    probs = predict(trainer.model, Scale(trainer.train_images.x, arm.normalize)(val.x))
    values = dict(
        arm=name, seed=seed, seconds=round(seconds, 2), stages=stages(arm, trainer.training)
    )
    losses = [round(loss, 4) for loss in losses]
    return values | dict(
        plain=measures(probs[0], val.y), tta=measures(probs.mean(0), val.y), losses=losses
    )


def print_run(result):
    plain, tta = result["plain"], result["tta"]
    name = f"{result['network']:9} {result['arm']:30} seed {result['seed']:5}"
    accuracy = f"{100 * plain['accuracy']:.2f} % plain  {100 * tta['accuracy']:.2f} % TTA"
    print(f"{name}  {result['seconds']:5.1f} s  {accuracy}  ECE {plain['ece']:.3f}", flush=True)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with train and test")
    parser.add_argument("--out", required=True, help="JSON file of the results")
    parser.add_argument("--commit", required=True, help="commit that has the design")
    parser.add_argument("--design", default=DESIGN, help="design file (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=9, help="no run starts later")
    return parser.parse_args()


class Results:
    "The results of the study, written after each run."

    def __init__(self, out, about):
        self.out = Path(out)
        self.about = about
        data = json.loads(self.out.read_text()) if self.out.exists() else {}
        self.pilot = data.get("pilot", [])  # runs that choose the network
        self.runs = data.get("runs", [])

    def find(self, **values):
        "Return the run that has these values, or None."
        runs = self.pilot + self.runs
        return next((run for run in runs if values.items() <= run.items()), None)

    def add(self, result):
        runs = self.pilot if result["seed"] == PILOT_SEED else self.runs
        runs.append(result)
        print_run(result)
        data = dict(about=self.about, pilot=self.pilot, runs=self.runs)
        write_atomically(self.out, json.dumps(data))


def choose_network(networks, training, train, val, results):
    "Return a trainer of the network with which the baseline is the most accurate, and its name."
    trainers, accuracies = {}, {}
    for name, network in networks.items():
        trainers[name] = Trainer(network, training, train, train.x.device.type)
        result = results.find(arm="baseline", seed=PILOT_SEED, network=name)
        if result is None:
            result = run(trainers[name], val, "baseline", Arm(), PILOT_SEED) | dict(network=name)
            results.add(result)
        accuracies[name] = result["plain"]["accuracy"]
    best = max(accuracies, key=accuracies.get)
    return trainers[best], best


def main():
    start = time.perf_counter()
    arguments = read_arguments()
    training, networks, arms, seeds = read_design(arguments.design)
    device = best_device()
    torch.backends.cudnn.benchmark = True
    train, val = (read_images(Path(arguments.data) / side, device) for side in ("train", "test"))
    print(
        f"{len(train.y)} and {len(val.y)} images, {time.perf_counter() - start:.1f} s", flush=True
    )
    about = dict(
        commit=arguments.commit,
        machine=machine(device),
        training=asdict(training),
        networks={name: asdict(network) for name, network in networks.items()},
        images=[len(train.y), len(val.y)],
    )
    results = Results(arguments.out, about)
    trainer, network = choose_network(networks, training, train, val, results)
    for seed in seeds:  # all arms with one seed, then the next: a study cut short is still balanced
        for name, arm in arms.items():
            is_over = time.perf_counter() - start > 60 * arguments.minutes
            if is_over or results.find(arm=name, seed=seed, network=network):
                continue
            results.add(run(trainer, val, name, arm, seed) | dict(network=network))


if __name__ == "__main__":
    main()
