"""What a model adds to an alert's time and memory: a scripted one with a known first token and speed. `bench.py` runs it; alone it only prints.

As a script with the argument `serve` it is that model, in a process of its own so that nothing slows it.
"""
import http.server, json, os, re, statistics, subprocess, sys, threading, time, urllib.request

FIRST_TOKEN, RATE = 0.3, 50
INCIDENTS, TIMED = 100, 30
CLAIM = "The provisioner refuses a disk of 5Gi."
QUOTE = "disk size is invalid"


class Model(http.server.BaseHTTPRequestHandler):
    """OpenAI's chat format, streamed. `/pace/RATE` changes the speed, `/spent` gives the seconds of each answer and the most at once."""
    protocol_version = "HTTP/1.1"
    spent, now, most, rate = [], 0, 0, RATE
    lock = threading.Lock()

    def setup(self):
        super().setup()
        self.request.setsockopt(6, 1, 1)

    def do_GET(self):
        if self.path.startswith("/pace/"):
            Model.rate, Model.spent, Model.most = float(self.path.rsplit("/", 1)[1]), [], 0
        self.reply(json.dumps({"spent": Model.spent, "most": Model.most}).encode())

    def reply(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        began = time.perf_counter()
        with Model.lock:
            Model.now += 1
            Model.most = max(Model.most, Model.now)
        shown = "\n".join(m.get("content") or "" for m in json.loads(body)["messages"])
        found = re.search(r"\[(E\d+)\][^\n]*" + QUOTE, shown)
        claim = {"text": CLAIM, "evidence": [found[1] if found else "E1"], "quote": QUOTE}
        answer = json.dumps({"overview": claim, "claims": [claim], "suggestions": []})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        # about four letters a token, as the tokenizers of our days have it
        for n, at in enumerate(range(0, len(answer), 4)):
            due = began + FIRST_TOKEN + n / Model.rate
            time.sleep(max(0.0, due - time.perf_counter()))
            self.event({"choices": [{"index": 0, "delta": {"content": answer[at:at + 4]}}]})
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        with Model.lock:
            Model.now -= 1
            Model.spent.append(time.perf_counter() - began)
        self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def event(self, value):
        self.chunk(b"data: " + json.dumps(value).encode() + b"\n\n")

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def log_message(self, *_):
        pass


def serve():
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 256
    server = Server(("127.0.0.1", 0), Model)
    print(server.server_address[1], flush=True)
    server.serve_forever()


class Scripted:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "serve"], stdout=subprocess.PIPE)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def get(self, path):
        return json.loads(urllib.request.urlopen(self.url + path, timeout=20).read())

    def settings(self, **incidents):
        return {"model": "always", "models": [{"name": "scripted", "url": self.url + "/v1", "model": "scripted"}],
                "incidents": {"digest_above": 100000, "digest_above_critical": 100000, **incidents}}


def incidents(bench, bed):
    """The seed's incident in many namespaces; each one's stuck pod."""
    text = next((bench.HERE / "faults/seed-incident").glob("*incident*")).read_text(encoding="utf-8")
    for at in range(0, INCIDENTS, 25):
        file = f"{bed.dir}/incidents-{at}.yaml"
        bench.pathlib.Path(file).write_text("\n---\n".join(text.replace("aiops", f"aiops-{n}") for n in range(at, at + 25)), encoding="utf-8")
        bed.run("apply", file)
    deadline = time.time() + 240
    where = "jsonpath={range .items[*]}{.metadata.namespace} {.metadata.name}{\"\\n\"}{end}"
    while True:
        failing = set(bed.kubectl("get", "events", "-A", "--field-selector=reason=ProvisioningFailed", "-o", "jsonpath={range .items[*]}{.metadata.namespace}{\"\\n\"}{end}").split())
        pods = dict(line.split() for line in bed.kubectl("get", "pods", "-A", "-o", where).splitlines() if line.startswith("aiops-"))
        if len(failing) >= INCIDENTS and len(pods) >= INCIDENTS:
            return pods
        if time.time() > deadline:
            sys.exit(f"the incident does not show everywhere: {len(failing)} claims, {len(pods)} pods")
        time.sleep(1)


def alert(serve, namespace, pod):
    serve.post({"alertname": "KubePodNotReady", "namespace": namespace, "pod": pod, "severity": "warning"})


def timed(bench, bed, model, pods):
    """One alert after the other: what passes beside the rules' time and the model's own."""
    serve = bench.Serve(bed.context("tool-a"), **model.settings())
    beside, whole = [], []
    for namespace, pod in list(pods.items())[:TIMED]:
        seen, before = len(bench.Hook.seen), len(model.get("/spent")["spent"])
        began = time.perf_counter()
        alert(serve, namespace, pod)
        cause = words = None
        while not words:
            news = bench.Hook.seen[seen:]
            cause = cause or next((at for at, body in news if "10Gi" in body and CLAIM not in body), None)
            words = next((at for at, body in news if CLAIM in body), None)
            if time.perf_counter() - began > 60:
                sys.exit(f"no words: {[b[:300] for _, b in news]}\n" + bench.pathlib.Path(f"{serve.folder.name}/log").read_text())
            time.sleep(0.001)
        own = model.get("/spent")["spent"][before]
        whole.append(words - began)
        beside.append(words - (cause or words) - own)
    serve.stop()
    p95 = lambda values: sorted(values)[int(.95 * len(values))]
    bench.say(f"| alert in, report with a model's words out (first token 300 ms, 50 tokens/s): p50 / p95 of {TIMED} | {bench.ms(statistics.median(whole))} / {bench.ms(p95(whole))} |")
    bench.say(f"| ... beside the rules' time and the model's own: p50 / p95 (goal: 150 ms) | {bench.ms(statistics.median(beside))} / {bench.ms(p95(beside))} |")


def side_by_side(bench, bed, model, pods):
    """All runs at once with a model that takes half a minute."""
    serve = bench.Serve(bed.context("tool-b"), **model.settings(runs=INCIDENTS))
    time.sleep(2)
    idle = bench.memory(serve.process.pid)
    model.get("/pace/2")
    for namespace, pod in pods.items():
        alert(serve, namespace, pod)
    told = lambda: len({body for _, body in bench.Hook.seen if CLAIM in body})
    deadline = time.time() + 300
    while told() < INCIDENTS and time.time() < deadline:
        time.sleep(0.5)
    most, highest = model.get("/spent")["most"], bench.memory(serve.process.pid, "VmHWM")
    bench.say(f"| {INCIDENTS} runs with a model: at once / reports with words | {most} / {told()} |")
    bench.say(f"| ... memory of `serve`: idle / highest (goal: 150 MB) | {idle:.0f} / {highest:.0f} MiB |")
    serve.stop()


def words(bench):
    bed, model = bench.Bed("--nodes", "3"), Scripted()
    try:
        pods = incidents(bench, bed)
        timed(bench, bed, model, pods)
        side_by_side(bench, bed, model, pods)
    finally:
        model.process.kill()
        bed.stop()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        import bench
        words(bench)
