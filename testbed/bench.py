"""Figures of the release binary on the test bed, beside what a person would type. Writes docs/bench.md. `make bench` runs it.

Needs nothing but Python and the test bed. Requests are counted from the API server's audit log by account.
"""
import datetime, http.server, json, os, pathlib, platform, socket, statistics, subprocess, sys, tempfile, threading, time, urllib.request

import bench_model

HERE = pathlib.Path(__file__).resolve().parent
MIDWATCH = os.environ.get("MIDWATCH", str(HERE.parent / "target/release/midwatch"))
RUN = str(HERE / "run")
ALERTS = 24
lines = []


def say(text=""):
    print(text, flush=True)
    lines.append(text)


class Bed:
    """A test bed; it stops when its standard input closes."""

    def __init__(self, *more):
        self.process = subprocess.Popen([RUN, "up", "--wait", "--no-prometheus", *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.state = json.loads(self.process.stdout.readline())
        self.dir = self.state["dir"]

    def run(self, *arguments):
        return subprocess.run([RUN, arguments[0], "--dir", self.dir, *arguments[1:]], check=True, capture_output=True, text=True).stdout

    def kubectl(self, *arguments):
        return self.run("kubectl", *arguments)

    def context(self, name):
        file = f"{self.dir}/{name}.kubeconfig"
        pathlib.Path(file).write_bytes(pathlib.Path(self.state["kubeconfig"]).read_bytes())
        self.kubectl("--kubeconfig", file, "config", "use-context", name)
        return file

    def requests(self, user):
        """Requests so far of one account."""
        time.sleep(1)
        with open(self.state["audit_log"], encoding="utf-8") as log:
            entries = [json.loads(line) for line in log if line.endswith("\n")]
        return len({e["auditID"] for e in entries if e["user"]["username"] == user})

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def measured(command):
    """Seconds and output; exit codes 0 and 1 are fine."""
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    took = time.perf_counter() - began
    if done.returncode > 1:
        sys.exit(f"{command}: exit code {done.returncode}: {done.stderr.decode()}{done.stdout.decode()[:2000]}")
    return took, done.stdout


def peak(command):
    """Peak memory in MiB. A small process starts the command, or the kernel would count this one's memory too."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    return int(subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True).stdout) / 1024


def ms(seconds):
    return f"{seconds * 1000:.0f} ms"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory(pid, field="VmRSS"):
    for line in open(f"/proc/{pid}/status", encoding="ascii"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0


class Hook(http.server.BaseHTTPRequestHandler):
    """The pretend channel: notes when each message came."""
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        Hook.seen.append((time.perf_counter(), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Serve:
    def __init__(self, kubeconfig, **more):
        self.folder = tempfile.TemporaryDirectory(prefix="midwatch-bench-")
        self.port = free_port()
        hook = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=hook.serve_forever, daemon=True).start()
        Hook.seen.clear()
        config = {"data_dir": self.folder.name, "listen": f"127.0.0.1:{self.port}", "lang": "en", "cluster": {"kubeconfig": kubeconfig},
                  "channels": {"hook": {"type": "webhook", "url": f"http://127.0.0.1:{hook.server_address[1]}/"}},
                  **more}
        file = f"{self.folder.name}/midwatch.yaml"
        pathlib.Path(file).write_text(json.dumps(config), encoding="utf-8")
        began = time.perf_counter()
        self.process = subprocess.Popen([MIDWATCH, "serve", "--config", file], stdout=subprocess.DEVNULL, stderr=open(f"{self.folder.name}/log", "wb"))
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).read()
                break
            except OSError:
                if time.perf_counter() - began > 20:
                    sys.exit(pathlib.Path(f"{self.folder.name}/log").read_text(encoding="utf-8"))
                time.sleep(0.005)
        self.ready = time.perf_counter() - began

    def post(self, labels):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        alert = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": now, "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": ""}
        body = {"version": "4", "groupKey": str(labels), "status": "firing", "receiver": "bench", "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {},
                "externalURL": "", "alerts": [alert]}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/webhooks/alertmanager", json.dumps(body).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=20).read()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def alerts(pods):
    """Alert in -> cause out, in a cluster of this many pods with the seed's incident made ALERTS times."""
    bed = Bed("--nodes", "3")
    bed.run("load", "--pods", str(pods))
    incident = (HERE / "faults/seed-incident").glob("*incident*")
    text = next(incident).read_text(encoding="utf-8")
    for n in range(ALERTS):
        file = f"{bed.dir}/incident-{n}.yaml"
        pathlib.Path(file).write_text(text.replace("aiops", f"aiops-{n}"), encoding="utf-8")
        bed.run("apply", file)
    wanted = {}
    deadline = time.time() + 120
    while len(wanted) < ALERTS:
        if time.time() > deadline:
            sys.exit("the incident does not show everywhere")
        for line in bed.kubectl("get", "events", "-A", "--field-selector=reason=ProvisioningFailed", "-o", "jsonpath={range .items[*]}{.metadata.namespace}{\"\\n\"}{end}").split():
            wanted[line] = True
        time.sleep(1)
    # each alert is an incident of its own
    serve = Serve(bed.context("tool-a"), incidents={"digest_above": 100000, "digest_above_critical": 100000})
    time.sleep(2)
    idle = memory(serve.process.pid)
    before = bed.requests("tool-a")
    took, plain = [], []
    for n in range(ALERTS):
        pod = bed.kubectl("get", "pods", "-n", f"aiops-{n}", "-o", "jsonpath={.items[0].metadata.name}")
        seen = len(Hook.seen)
        began = time.perf_counter()
        serve.post({"alertname": "KubePodNotReady", "namespace": f"aiops-{n}", "pod": pod, "severity": "warning"})
        first = None
        while True:
            news = Hook.seen[seen:]
            first = first or (news[0][0] if news else None)
            cause = next((at for at, body in news if "10Gi" in body and f"aiops-{n}/" in body), None)
            if cause:
                break
            if time.perf_counter() - began > 30:
                sys.exit(f"no cause for alert {n}: {[b[:300] for _, b in news]}\n" + pathlib.Path(f"{serve.folder.name}/log").read_text())
            time.sleep(0.002)
        took.append(cause - began)
        plain.append(first - began)
    requests = (bed.requests("tool-a") - before) / ALERTS
    pod = bed.kubectl("get", "pods", "-n", "aiops-0", "-o", "jsonpath={.items[0].metadata.name}")
    _, out = measured([MIDWATCH, "diagnose", "--kubeconfig", bed.context("tool-b"), "-n", "aiops-0", f"pod/{pod}", "-o", "json", "--timings"])
    timings = json.loads(out)["timings_ms"]
    quantile = lambda values, q: sorted(values)[min(len(values) - 1, int(q * len(values)))]
    say(f"| alert in, plain alert out, {pods} pods: p50 / p95 of {ALERTS} | {ms(statistics.median(plain))} / {ms(quantile(plain, .95))} |")
    say(f"| alert in, cause out, {pods} pods: p50 / p95 of {ALERTS} (goal: 1 s / 3 s) | {ms(statistics.median(took))} / {ms(quantile(took, .95))} |")
    say(f"| ... requests to the API server for one alert; one diagnosis' requests and bytes | {requests:.0f}; {timings['requests']}, {timings['bytes']:,} B |")
    for n in range(1000):
        serve.post({"alertname": "Storm", "namespace": f"aiops-{n % ALERTS}", "pod": f"storm-{n}", "severity": "warning"})
    after = memory(serve.process.pid)
    say(f"| memory of `serve`, {pods} pods: idle / after a storm of 1,000 alerts / highest | {idle:.0f} / {after:.0f} / {memory(serve.process.pid, 'VmHWM'):.0f} MiB |")
    say(f"| start to ready, {pods} pods (goal: 1 s) | {ms(serve.ready)} |")
    serve.stop()
    if pods == 200:
        storm(bed)
        with tempfile.TemporaryDirectory() as folder:
            measured([MIDWATCH, "record", f"{folder}/case", "--kubeconfig", bed.context("tool-c")])
            runs = [measured([MIDWATCH, "diagnose", "--replay", f"{folder}/case", "-n", "aiops-0", f"pod/{pod}", "-o", "json"])[0] for _ in range(11)]
            say(f"| `diagnose --replay` of that cluster, one pod: median of 11 (min to max) (goal: 50 ms) | {ms(statistics.median(runs))} ({ms(min(runs))} to {ms(max(runs))}) |")
    bed.stop()


def storm(bed):
    """What a sender waits while very many alerts come. The sender is a process of its own, so that it is not slowed by the pretend channel."""
    serve = Serve(bed.context("tool-a"))
    time.sleep(2)
    sent = json.loads(subprocess.run([sys.executable, str(HERE / "storm.py"), str(serve.port), "10000", "60"], check=True, capture_output=True, text=True).stdout)
    say(f"| storm of 10,000 alerts in 60 s: statuses; an answer at p50 / p99 / latest (goal: p99 200 ms) | {sent['statuses']}; {ms(sent['p50'])} / {ms(sent['p99'])} / {ms(sent['max'])} |")
    serve.stop()


def beside_kubectl(bed):
    """`diagnose` of the stuck pod, and the three commands that a person types, in turn."""
    pod = bed.kubectl("get", "pods", "-n", "aiops", "-o", "jsonpath={.items[0].metadata.name}")
    mine, typed = bed.context("tool-a"), bed.context("tool-b")
    k = [bed.state["kubectl"], "--kubeconfig", typed, "-n", "aiops"]
    ours, theirs = [], []
    for _ in range(11):
        ours.append(measured([MIDWATCH, "diagnose", "--kubeconfig", mine, "-n", "aiops", f"pod/{pod}"])[0])
        theirs.append(sum(measured([*k, *command])[0] for command in (["describe", "pod", pod], ["describe", "pvc", "test-data"], ["get", "events"])))
    a, b = statistics.median(ours), statistics.median(theirs)
    say(f"| `midwatch diagnose pod/...` of the stuck pod, median of 11 | {ms(a)} |")
    say(f"| `kubectl describe pod`, `describe pvc`, `get events` one after the other, median of 11, alternating | {ms(b)} ({b / a:.1f} times as long) |")


WANTED = {
    ("PersistentVolumeClaim", "aiops", "volume_size_below_minimum"), ("Deployment", "faults", "image_not_found"),
    ("Deployment", "faults", "insufficient_cpu"), ("Deployment", "faults", "config_map_not_found"),
    ("Service", "faults", "service_selector_mismatch"), ("Deployment", "faults", "node_selector_mismatch"),
}


def compare():
    """The cluster with which other tools were measured: 200 healthy pods, six faults."""
    bed = Bed("--nodes", "5")
    bed.run("load", "--compare")
    time.sleep(20)
    mine = bed.context("tool-c")
    runs = []
    command = [MIDWATCH, "diagnose", "--kubeconfig", mine, "-o", "json"]
    before = bed.requests("tool-c")
    for _ in range(5):
        runs.append(measured(command))
    requests = (bed.requests("tool-c") - before) / 5
    memory_used = [peak(command) for _ in range(5)]
    causes = [(c["object"]["kind"], c["object"]["namespace"], c["class"]) for c in json.loads(runs[-1][1])["causes"]]
    named, extra = len(WANTED & set(causes)), [c for c in causes if c not in WANTED]
    walls = [r[0] for r in runs]
    say(f"| whole cluster, 200 healthy pods and six faults: named | {named} of 6, {len(extra)} beside them {extra or ''} |")
    say(f"| ... wall, median of 5 (min to max) (goal: 1 s) | {ms(statistics.median(walls))} ({ms(min(walls))} to {ms(max(walls))}) |")
    say(f"| ... requests a run (audit log) (goal: 60) | {requests:.0f} |")
    say(f"| ... peak memory (goal: 60 MiB) | {max(memory_used):.0f} MiB (highest of 5) |")
    if missed := WANTED - set(causes):
        say(f"| ... missed | {sorted(missed)}; got {causes} |")
    beside_kubectl(bed)
    bed.stop()


def main():
    say("# Figures\n")
    say("Made by `make bench` (`testbed/bench.py`): the release binary against the test bed's real control plane. Beside them, what a person would type.\n")
    say(f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, load average at the start {os.getloadavg()[0]:.1f}.\n")
    say("| what | figure |\n|---|---|")
    say(f"| size of the release binary (goal: 60 MB) | {os.path.getsize(MIDWATCH) / 1e6:.1f} MB |")
    compare()
    for pods in (200, 2000):
        alerts(pods)
    bench_model.words(sys.modules[__name__])
    page = HERE.parent / "docs/bench.md"
    # what is measured otherwise stands below, under headings, and stays
    _, heading, below = page.read_text(encoding="utf-8").partition("\n## ")
    page.write_text("\n".join(lines) + "\n" + heading + below, encoding="utf-8")


if __name__ == "__main__":
    main()
