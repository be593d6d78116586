"""A program that starts kernels in which slow libraries are imported already.

It imports them once. For each line of its input, a JSON object of `kernels.py`, it forks a kernel
and prints the number of its process.
"""

import atexit
import importlib
import json
import os
import signal
import sys

# What notebooks, fastai and kernels import. fastai and ipykernel are not here: on import they ask
# in what process they are.
LIBRARIES = (
    "torch",
    "torchvision.models",
    "pandas",
    "scipy.stats",
    "sklearn.model_selection",
    "matplotlib.pyplot",
    "timm",
    "IPython",
    "jupyter_client",
)


def run_kernel(arguments, folder, environment):
    "Become a kernel, in a process group of its own."
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance(argv=arguments)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that have ended leave nothing behind
    sys.path.pop(0)  # the site's own modules
    atexit.register(os._exit, 0)  # runs last: to free all that was imported takes two seconds
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        process = os.fork()
        if not process:
            run_kernel(**request)
            return
        print(process, flush=True)


if __name__ == "__main__":
    main()
