"The site's kernels: a kernel that does not end by itself is stopped."

import inspect
import re
import signal
import subprocess
import sys

import pytest
from conftest import ROOT
from jupyter_client.provisioning import LocalProvisioner

sys.path.insert(0, str(ROOT / "docs"))
import kernels


@pytest.fixture
def process():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", ["terminate", "kill"])
def test_a_kernel_is_stopped(process, name):
    kernel = object.__new__(kernels.ForkedKernel)
    kernel.pid = process.pid
    assert kernel.poll() is None
    getattr(kernel, name)()
    wanted = {"terminate": signal.SIGTERM, "kill": signal.SIGKILL}[name]
    assert process.wait(10) == -wanted
    assert kernel.poll() == 0


def test_a_kernel_has_what_its_provisioner_calls():
    called = set(re.findall(r"self\.process\.(\w+)", inspect.getsource(LocalProvisioner)))
    kernel = object.__new__(kernels.ForkedKernel)
    kernel.pid = 0
    missing = {name for name in called if not hasattr(kernel, name)}
    assert missing <= {"win32_interrupt_event"}  # of Windows, where kernels are not forked
