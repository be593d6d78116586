"Print the milliseconds of a training step for each image, before and after `keep_memory`."

import torch
import torch.nn.functional as F

from lesson7.data.hardware import keep_memory
from lesson7.models import architecture

from .row import milliseconds

BATCH, SIZE, STEPS = 32, 128, 3


def main():
    model = architecture("xresnet18-narrow", channels_last=False)(n_out=10)
    x, y = torch.randn(BATCH, 3, SIZE, SIZE), torch.arange(BATCH) % 10

    def run_steps(count=STEPS):
        for _ in range(count):
            F.cross_entropy(model(x), y).backward()

    def time_steps():
        run_steps(1)
        return milliseconds(run_steps, per=STEPS * BATCH)

    before = time_steps()
    keep_memory()
    print(before, time_steps())


if __name__ == "__main__":
    main()
