"""Kernels that begin with slow libraries imported: forks of one process, `kernel_server.py`.

PyTorch and what fastai imports take seconds in each of fifty kernels.
"""

import json
import os
import sys
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from signal import SIGKILL, SIGTERM
from subprocess import PIPE, Popen
from threading import Lock

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

NAME = "forked"
LAUNCHER = "ipykernel_launcher"  # what a kernel's command runs
LOCK = Lock()


@cache
def server():
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    command = [sys.executable, Path(__file__).with_name("kernel_server.py")]
    return Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True)


class ForkedKernel:
    "A kernel's process, with the methods of `Popen` that a provisioner calls."

    stdin = stdout = stderr = None

    def __init__(self, arguments, folder, environment):
        environment = environment | {"JPY_PARENT_PID": str(server().pid)}  # a kernel ends with it
        request = dict(arguments=arguments, folder=folder, environment=environment)
        with LOCK:  # notebooks run in threads
            print(json.dumps(request), file=server().stdin, flush=True)
            self.pid = int(server().stdout.readline())

    def poll(self):
        "Return None while the process runs, then 0: only its parent knows how it ended."
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    wait = poll  # a provisioner calls it once the process has ended

    def send_signal(self, number):
        os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(SIGTERM)

    def kill(self):
        self.send_signal(SIGKILL)


class ForkedProvisioner(LocalProvisioner):
    "Starts Python kernels as forks."

    async def launch_kernel(self, cmd, cwd=None, env=None, **options):
        if LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, cwd=cwd, env=env, **options)
        arguments = cmd[cmd.index(LAUNCHER) + 1 :]
        self.process = ForkedKernel(arguments, cwd or os.getcwd(), env or dict(os.environ))
        self.pid = self.pgid = self.process.pid
        return self.connection_info


def use_forks():
    "Let `jupyter_client` start kernels as forks on Linux; elsewhere libraries do not survive them."
    if sys.platform != "linux":
        return
    factory = KernelProvisionerFactory.instance()
    entry = EntryPoint(NAME, f"{__name__}:{ForkedProvisioner.__name__}", factory.GROUP_NAME)
    factory.provisioners[NAME] = entry
    factory.default_provisioner_name = NAME
