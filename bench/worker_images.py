"""Print seconds and the largest memory so far in MB, for three passes over images of a folder:

`dataset_stats`, `Presized` with an empty cache, and `Presized` with all pixels in its cache.
Arguments: the folder, and the number of images.
"""

import re
import sys
import time
from pathlib import Path

from lesson7.data.files import Presized
from lesson7.normalize import dataset_stats

STATUS = Path("/proc/self/status")
SHORT = 60  # short side of the cached images, pixels


def largest_memory():
    "Return the largest memory of this process in MB; `getrusage` would include its parent's."
    if not STATUS.exists():
        return float("nan")
    kilobytes = re.search(r"VmHWM:\s+(\d+)", STATUS.read_text())[1]
    return int(kilobytes) / 1024


def main(folder, count):
    files = sorted(folder.glob("*.jpg"))[:count]
    open_presized = Presized(SHORT, folder=folder / "pixels")

    def open_all():
        for file in files:
            open_presized(file)

    open_presized(files[0])  # imports what the passes need
    dataset_stats(files[:9])
    for run in (lambda: dataset_stats(files), open_all, open_all):
        start = time.perf_counter()
        run()
        print(time.perf_counter() - start, largest_memory())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
