"Every kind of images that a function or an explorer may be given, and what is none."

import io

import numpy as np
import torch
from PIL import Image

SIDE = 24  # of the images, pixels


def colours(n=1, seed=0, channels=3, side=SIDE):
    "Return images of random bytes, [n,side,side + 6,channels]."
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side + 6, channels), np.uint8)


def write_folder(folder, n=2):
    "Write images to a folder, one with an extension in upper case; return their paths."
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{i}.{'PNG' if i == 1 else 'png'}" for i in range(n)]
    for file, pixels in zip(files, colours(n)):
        Image.fromarray(pixels).save(file)
    return files


def write_dataset(root):
    "Write train/<class>/ and val/<class>/ of two classes."
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            write_folder(root / split / name)
    return root


def one_file(folder):
    return write_folder(folder)[0]


def file_content(folder):
    return one_file(folder).read_bytes()


def first_tensor(dtype=torch.float32, scale=1):
    return torch.from_numpy(colours()[0]).permute(2, 0, 1).to(dtype) / scale


def loaders(folder, normalized=False):
    from lesson7.data.loaders import get_dls

    dataset = write_dataset(folder / "dataset")
    return get_dls(2, 16, dataset, stats="imagenet" if normalized else None)


def opaque(pixels):
    return np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], -1)


# name -> a function of an empty folder; the first image of each is `colours()[0]`
IMAGES = {
    "a path": one_file,
    "a path as str": lambda folder: str(one_file(folder)),
    "a folder": lambda folder: write_folder(folder)[0].parent,
    "a folder as str": lambda folder: str(write_folder(folder)[0].parent),
    "a list of paths": write_folder,
    "a list of texts": lambda folder: [str(file) for file in write_folder(folder)],
    "an array of texts": lambda folder: np.array([str(file) for file in write_folder(folder)]),
    "a list of folders": lambda folder: [write_folder(folder / "a")[0].parent],
    "bytes": file_content,
    "BytesIO": lambda folder: io.BytesIO(file_content(folder)),
    "an open file": lambda folder: one_file(folder).open("rb"),
    "a list of bytes": lambda folder: [file_content(folder)] * 2,
    "PIL": lambda folder: Image.fromarray(colours()[0]),
    "PIL, not loaded": lambda folder: Image.open(one_file(folder)),
    "PIL, RGBA": lambda folder: Image.fromarray(opaque(colours()[0])),
    "a list of PIL": lambda folder: [Image.fromarray(x) for x in colours(2)],
    "a tuple of PIL": lambda folder: tuple(Image.fromarray(x) for x in colours(2)),
    "a generator": lambda folder: (Image.fromarray(x) for x in colours(2)),
    "a dict": lambda folder: {"cat": Image.fromarray(colours()[0]), "dog": one_file(folder)},
    "array HWC": lambda folder: colours()[0],
    "array CHW": lambda folder: colours()[0].transpose(2, 0, 1),
    "array RGBA": lambda folder: opaque(colours()[0]),
    "array of uint16": lambda folder: colours()[0].astype(np.uint16) * 257,
    "array of int64": lambda folder: colours()[0].astype(np.int64),
    "array of floats": lambda folder: colours()[0] / 255,
    "array with negative strides": lambda folder: colours()[0][:, ::-1][:, ::-1],
    "batch as an array": lambda folder: colours(2),
    "batch of floats": lambda folder: colours(2).transpose(0, 3, 1, 2) / 255,
    "tensor CHW": lambda folder: first_tensor(torch.uint8, 1).to(torch.uint8),
    "tensor HWC": lambda folder: torch.from_numpy(colours()[0]),
    "tensor of floats": lambda folder: first_tensor(scale=255),
    "tensor with grad": lambda folder: first_tensor(scale=255).requires_grad_(),
    "bfloat16": lambda folder: first_tensor(scale=255).bfloat16(),
    "bfloat16 with grad": lambda folder: first_tensor(scale=255).bfloat16().requires_grad_(),
    "rounding": lambda folder: first_tensor(scale=255) * 1.0000002 + 1e-4,
    "batch": lambda folder: torch.from_numpy(colours(2)).permute(0, 3, 1, 2) / 255,
    "a list of tensors": lambda folder: [first_tensor(scale=255)] * 2,
    "batch and labels": lambda folder: (
        torch.from_numpy(colours(2)).permute(0, 3, 1, 2) / 255,
        torch.tensor([0, 1]),
    ),
    "a dataset": lambda folder: torch.utils.data.TensorDataset(
        torch.from_numpy(colours()).permute(0, 3, 1, 2), torch.tensor([0])
    ),
    "a subset of a dataset": lambda folder: torch.utils.data.Subset(
        list(zip(colours(3)[[1, 0, 2]], [0, 1, 2])), [1]
    ),
    "a list of batch and labels": lambda folder: [
        torch.from_numpy(colours(2)).permute(0, 3, 1, 2) / 255,
        torch.tensor([0, 1]),
    ],
}
GREY = {  # name -> a function of grey levels [H,W]; each is the same grey image
    "array HW": lambda x: x,
    "array HW1": lambda x: x[..., None],
    "array 1HW": lambda x: x[None],
    "tensor HW": torch.from_numpy,
    "tensor 1HW of floats": lambda x: torch.from_numpy(x)[None] / 255,
    "batch B1HW": lambda x: torch.from_numpy(x)[None, None] / 255,
    "batch BHW1": lambda x: x[None, ..., None],
    "PIL": Image.fromarray,
    "array of uint16": lambda x: x.astype(np.uint16) * 257,
}
LOADERS = {
    "fastai's dataset": lambda folder: loaders(folder).train_ds,
    "DataLoaders": loaders,
    "a training loader": lambda folder: loaders(folder).train,
    "DataLoaders that normalize": lambda folder: loaders(folder, normalized=True),
    "a batch of a loader": lambda folder: loaders(folder).one_batch(),
    "a decoded batch": lambda folder: _decoded(loaders(folder)),
    "an item of a dataset": lambda folder: loaders(folder).train_ds[0],
    "torch's loader": lambda folder: torch.utils.data.DataLoader(
        [(first_tensor(scale=255), 0), (first_tensor(scale=255), 1)], batch_size=2
    ),
}


def _decoded(dls):
    return dls.decode(dls.one_batch())


NO_IMAGES = {  # name -> a function of an empty folder, what the message says
    "a number": (lambda folder: 7, "images must be .*, got an int"),
    "a float": (lambda folder: 0.5, "images must be .*, got a float"),
    "a list of numbers": (lambda folder: [0.5, 0.2], "images must be .*, got a float"),
    "nested numbers": (lambda folder: [[[0.5, 0.2]]], "images must be .*, got a float"),
    "an object": (lambda folder: object(), "images must be .*, got an object"),
    "a class": (lambda folder: dict, "images must be .*, got a type"),
    "a function": (lambda folder: len, "images must be .*, got a builtin"),
    "a learner": (lambda folder: _Learner(), "images must be .*, got a _Learner"),
    "a None in a list": (lambda folder: [None], "images must be .*, got a NoneType"),
    "nothing": (lambda folder: [], "number of images must be .*, got 0"),
    "an empty dict": (lambda folder: {}, "number of images must be .*, got 0"),
    "an empty batch": (lambda folder: torch.zeros(0, 3, 4, 4), "must be .*, got 0"),
    "an empty folder": (lambda folder: folder, "number of images must be .*, got 0 in"),
    "a missing file": (lambda folder: folder / "no.jpg", "no.jpg must be .* no such file"),
    "a missing name": (lambda folder: "photo", "photo must be .* no such file"),
    "an empty name": (lambda folder: "", "path of an image must be a name"),
    "no file's bytes": (lambda folder: b"no image", "image must be a readable image, got"),
    "text in a file": (lambda folder: _text(folder), "a.jpg must be a readable image, got"),
    "floats to 255": (lambda folder: colours()[0] * 1.0, r"in \[0, 1\], .*; divide by 255"),
    "batch to 255": (lambda folder: torch.from_numpy(colours(2)) * 1.0, "; divide by 255"),
    "normalized": (lambda folder: first_tensor(scale=99) - 1, "; denormalize first"),
    "nan": (lambda folder: first_tensor() * float("nan"), "got nan to nan"),
    "complex": (lambda folder: colours()[0] * 1j, "must be floats, .* got complex128"),
    "int32": (lambda folder: colours()[0].astype(np.int32), "must be floats, .* got int32"),
    "objects": (lambda folder: colours()[0].astype(object), "must be .*, got an int"),
    "two channels": (lambda folder: colours()[0][..., :2], r"shape .* must be .* got \["),
    "one axis": (lambda folder: colours()[0, 0, :, 0], r"shape of an image must be .*, got \[30"),
    "five axes": (lambda folder: colours()[None], r"shape of an image must be .*, got \[1, 1"),
    "no axis": (lambda folder: np.float64(0.5), r"must be .*, got"),
}


class _Learner:
    "Has an attribute `dls` and no images."

    dls = None


def _text(folder):
    (folder / "a.jpg").write_text("no image")
    return folder / "a.jpg"
