"""A Python that has loaded torch: a command that a test starts with it begins at once, and not two seconds later.

`warm_python()` starts a server and gives a folder with an executable `python`. That one hands its arguments, folder,
environment and open files to the server, which forks; the fork runs `-m MODULE ...` as Python would, and its exit
status comes back. The server has loaded none of the project's own modules, so each command reads those of its folder.
Three things differ from a new Python: libraries are loaded, the hash seed is the server's, and a signal to `python`
does not reach the fork, which only ends when `python` does. With other arguments `python` is a new Python.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import NoReturn

LOADED = ("cv2", "dvc.cli", "dvc.repo", "matplotlib.pyplot", "pandas", "pydantic", "scipy.optimize", "skimage")
LOADED += ("torch", "torch._dynamo", "torchvision.datasets.mnist")  # the middle one by whatever differentiates forwards

PYTHON = """#!/bin/sh
exec "{python}" -IS "{client}" "$@"
"""
CLIENT = """
import json, os, socket, sys
if sys.argv[1:2] != ["-m"]:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [b"f"], [0, 1, 2])
request = dict(arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ))
server.sendall(json.dumps(request).encode() + b"\\n")
status = int(server.recv(8) or 1)
if status < 0:
    os.kill(os.getpid(), -status)
sys.exit(status)
"""


@functools.cache
def warm_python() -> Path:
    """The folder of `python`; the server ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="warm-python-"))
    address, client, python = folder / "socket", folder / "client.py", folder / "python"
    client.write_text(CLIENT.format(address=str(address)))
    python.write_text(PYTHON.format(python=sys.executable, client=client))
    python.chmod(0o755)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([sys.executable, __file__, str(address)], env=environment, stdin=subprocess.PIPE)
    atexit.register(_end, server, folder)
    deadline = time.monotonic() + 120
    while not address.exists():
        assert server.poll() is None and time.monotonic() < deadline, "the server of warm_python has not started"
        time.sleep(0.02)
    return folder


def _end(server: subprocess.Popen, folder: Path) -> None:
    assert server.stdin
    server.stdin.close()
    server.wait(timeout=10)
    shutil.rmtree(folder, ignore_errors=True)


def serve(address: str) -> None:
    """Answer each client in a process of its own, until whoever started this process has ended."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # a fork that collects garbage would copy all of this memory
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel clears away what has ended
    threading.Thread(target=_end_after, args=(sys.stdin.fileno(),), daemon=True).start()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address + ".new")
        listener.listen(64)
        os.rename(address + ".new", address)  # seen once it answers
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                try:
                    with contextlib.suppress(OSError):  # of a client that is gone
                        _answer(client)
                finally:
                    os._exit(1)
            client.close()


def _answer(client: socket.socket) -> None:
    """Run what the client asks for in a fork, and tell it the exit status, negative if a signal ended the fork."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(client, 1, 3)
    request = json.loads(client.makefile().readline())
    worker = os.fork()
    if worker == 0:
        for place, file in enumerate(files):
            os.dup2(file, place)
            os.close(file)
        threading.Thread(target=_end_after, args=(client.fileno(),), daemon=True).start()
        _run(**request)
    for file in files:
        os.close(file)  # or whoever reads the worker's output would not see its end
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    client.send(str(status).encode())


def _end_after(file: int) -> None:
    """End this process as soon as there is nothing more to read: the client, or whoever started the server, is gone."""
    while os.read(file, 1):
        pass
    os._exit(1)


def _run(arguments: list[str], folder: str, environment: dict[str, str]) -> NoReturn:
    """`python -m MODULE ...`, in this process, which then ends without taking apart all that was loaded."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    _, module, *rest = arguments
    sys.argv = [module, *rest]
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int):
            status = end.code
        elif end.code is not None:
            print(end.code, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as Python does at its end
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1])
