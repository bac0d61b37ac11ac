"""Our MCP server beside kubernetes-mcp-server on the test bed. Writes docs/mcp-compared.md. `make bench` runs it.

For each tool that both have: the same arguments are given to both, the same facts (taken from the cluster by kubectl) are
looked for in both answers, and tokens (o200k), latency and memory are measured. Needs Python, Node with npm, the test bed.
    compare.py [--pods N,N]   N healthy pods beside the faults; 200,2000 if not said
"""
import json, os, pathlib, platform, re, select, shutil, statistics, subprocess, sys, tempfile, time, urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import bench  # noqa: E402

ROOT = HERE.parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "midwatch/npm/compare"
SPACED, BURST = 10, 20
lines = []


def say(text=""):
    print(text, flush=True)
    lines.append(text)


def installed():
    """The npm packages, once."""
    if not (CACHE / ".complete").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "compare" / name, CACHE)
        # nothing of these packages has to run at installation; `ci` would want the binaries of all platforms
        subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=CACHE, check=True)
        (CACHE / ".complete").touch()
    shutil.copy(HERE / "compare/tokens.js", CACHE)
    return next(CACHE.glob("node_modules/kubernetes-mcp-server-*/bin/*"))


def tokens(texts):
    done = subprocess.run(["node", "tokens.js"], cwd=CACHE, input=json.dumps(texts), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Server:
    """An MCP server on its standard input and output."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.next, self.buffer = 0, b""
        began = time.perf_counter()
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "compare", "version": "1"}})
        self.started = time.perf_counter() - began
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.tools = {tool["name"]: tool for tool in self.ask("tools/list", {})["tools"]}

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        deadline = time.time() + 90
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.time()))[0]:
                sys.exit(f"{self.process.args[0]}: no answer")
            self.buffer += os.read(self.process.stdout.fileno(), 1 << 20)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def ask(self, method, params):
        self.next += 1
        self.send({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params})
        while True:
            message = json.loads(self.line())
            if message.get("id") == self.next and ("result" in message or "error" in message):
                return message.get("result") or {"content": [{"type": "text", "text": message["error"]["message"]}], "isError": True}

    def call(self, tool, arguments):
        """Text, whether it is an error, seconds."""
        began = time.perf_counter()
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        took = time.perf_counter() - began
        text = "\n".join(part.get("text", "") for part in result["content"])
        return text, bool(result.get("isError")), took

    def whole(self, tool, arguments):
        """All pages of an answer."""
        pages, cursor = [], None
        while True:
            text, _, _ = self.call(tool, {**arguments, **({"cursor": cursor} if cursor else {})})
            pages.append(text)
            more = re.search(r'go on with cursor "(\d+)"', text)
            if not more or len(pages) > 200:
                return "\n".join(pages)
            cursor = more.group(1)

    def memory(self):
        return bench.memory(self.process.pid)

    def stop(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


class Web:
    """Our server at /mcp, asked by an operator: there the tools that propose changes are offered too."""

    def __init__(self, kubeconfig):
        self.folder = tempfile.TemporaryDirectory(prefix="midwatch-compare-")
        self.port, self.next, self.session = bench.free_port(), 0, None
        file = pathlib.Path(self.folder.name) / "midwatch.yaml"
        file.write_text(json.dumps({"data_dir": self.folder.name, "listen": f"127.0.0.1:{self.port}", "lang": "en", "cluster": {"kubeconfig": kubeconfig},
                                    "mcp": {"toolsets": ["core", "config", "helm", "ours"], "rate_per_minute": 100000}}), encoding="utf-8")
        of_operator = lambda *arguments: subprocess.run([bench.MIDWATCH, *arguments, "--config", str(file), "--role", "operator"], capture_output=True, text=True, check=True).stdout
        of_operator("user", "set", "compare")
        self.token = of_operator("token", "create", "compare").split()[-1]
        self.process = subprocess.Popen([bench.MIDWATCH, "serve", "--config", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).read()
                break
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("midwatch serve did not start")
                time.sleep(0.1)
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "compare", "version": "1"}})
        self.tools = {tool["name"]: tool for tool in self.ask("tools/list", {})["tools"]}

    def ask(self, method, params):
        self.next += 1
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream", "authorization": f"Bearer {self.token}"}
        if self.session:
            headers |= {"mcp-session-id": self.session, "mcp-protocol-version": "2025-06-18"}
        body = json.dumps({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}/mcp", body, headers), timeout=60) as answer:
            self.session = answer.headers.get("mcp-session-id") or self.session
            for line in answer.read().decode().splitlines():
                line = line.removeprefix("data:").strip()
                if line.startswith("{") and json.loads(line).get("id") == self.next:
                    return json.loads(line)["result"]
        sys.exit(f"{method}: no answer")

    def call(self, tool, arguments):
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        return "\n".join(part.get("text", "") for part in result["content"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def opened(text):
    """Names in braces written out: `web-{a,b}` holds `web-a` and `web-b`."""
    every = [text]
    for match in re.finditer(r"(\S*?)\{([^{}\s]*)\}", text):
        every.append(" ".join(match.group(1) + part for part in match.group(2).split(",")))
    return "\n".join(every)


class Cluster:
    """Facts, asked with kubectl."""

    def __init__(self, bed):
        self.bed = bed

    def get(self, *arguments):
        return json.loads(self.bed.kubectl("get", *arguments, "-o", "json"))

    def names(self, *arguments):
        return [item["metadata"]["name"] for item in self.get(*arguments)["items"]]


def status(pod):
    waiting = [s["state"]["waiting"]["reason"] for s in pod["status"].get("containerStatuses", []) if "waiting" in s.get("state", {})]
    return waiting[0] if waiting else pod["status"]["phase"]


def calls(cluster, pod, logged):
    """Tool, arguments, facts that have to be in the answer."""
    pods = cluster.get("pods", "-A")["items"]
    unwell = {status(p) for p in pods} - {"Running", "Succeeded"}
    in_shop = [p["metadata"]["name"] for p in pods if p["metadata"]["namespace"] == "shop"]
    stuck = cluster.get("pod", pod, "-n", "aiops")
    claim = cluster.get("pvc", "test-data", "-n", "aiops")
    events = cluster.get("events", "-A")["items"]
    warnings = {(e["reason"], e["involvedObject"]["kind"]) for e in events if e["type"] == "Warning"}
    of_claim = [e for e in cluster.get("events", "-n", "aiops")["items"] if e["reason"] == "ProvisioningFailed"]
    deployments = cluster.get("deployments", "-A")["items"]
    ready = [f"{d['status'].get('readyReplicas', 0)}/{d['spec']['replicas']}" for d in deployments]
    last = cluster.bed.kubectl("logs", "-n", logged[0], logged[1], "--tail=1").strip()
    return [
        ("configuration_view", {}, ["current-context", "https://"]),
        ("namespaces_list", {}, cluster.names("namespaces")),
        ("pods_list", {}, [p["metadata"]["name"] for p in pods] + sorted(unwell)),
        ("pods_list", {"labelSelector": "app=cart"}, [p["metadata"]["name"] for p in pods if p["metadata"].get("labels", {}).get("app") == "cart"]),
        ("pods_list_in_namespace", {"namespace": "aiops"}, [pod, status(stuck), "0/1"]),
        ("pods_list_in_namespace", {"namespace": "shop"}, in_shop),
        ("pods_get", {"namespace": "aiops", "name": pod}, [pod, "Pending", "PodScheduled", "test-data", stuck["spec"]["containers"][0]["image"]]),
        ("pods_log", {"namespace": logged[0], "name": logged[1], "tail": 100}, [last]),
        ("events_list", {}, sorted({reason for reason, _ in warnings} | {kind for _, kind in warnings})),
        ("events_list", {"namespace": "aiops"}, ["ProvisioningFailed", "FailedScheduling", "test-data", pod] + [of_claim[0]["message"][-40:]]),
        ("resources_get", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "aiops", "name": "test-data"},
         ["test-data", claim["spec"]["storageClassName"], claim["spec"]["resources"]["requests"]["storage"], "Pending", "ReadWriteOnce"]),
        ("resources_list", {"apiVersion": "apps/v1", "kind": "Deployment"}, [d["metadata"]["name"] for d in deployments] + sorted(set(ready))),
        ("resources_list", {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "aiops"}, ["test-data", "Pending", claim["spec"]["storageClassName"]]),
        ("nodes_top", {}, []),
        ("pods_top", {}, []),
        ("helm_list", {"all_namespaces": True}, []),
        ("projects_list", {}, []),
        ("nodes_stats_summary", {"name": "node-1"}, []),
        ("nodes_log", {"name": "node-1", "query": "kubelet"}, []),
    ]


def accepted(ours, theirs):
    """Every argument of theirs has to be known to ours under the same name and type; those that must be given, no more."""
    misses = []
    for name, tool in sorted(theirs.items()):
        if name not in ours:
            misses.append(f"{name} is missing")
            continue
        mine, other = ours[name]["inputSchema"], tool["inputSchema"]
        for argument, schema in other.get("properties", {}).items():
            known = mine.get("properties", {}).get(argument)
            if known is None or known.get("type") != schema.get("type") or schema.get("default", known.get("default")) != known.get("default"):
                misses.append(f"{name}.{argument}: {known} is not {schema.get('type')} {schema.get('default', '')}")
        more = set(mine.get("required", [])) - set(other.get("required", []))
        if more:
            misses.append(f"{name} asks for {more} besides")
    return misses


def latency(server, tool, arguments):
    single = []
    for _ in range(SPACED):
        time.sleep(0.45)
        single.append(server.call(tool, arguments)[2])
    burst = [server.call(tool, arguments)[2] for _ in range(BURST)]
    return statistics.median(single), statistics.median(burst)


def written(arguments):
    return ", ".join(str(v) for v in arguments.values())


def missing(text, facts):
    text = opened(text)
    return [fact for fact in facts if fact not in text]


def most_talkative(cluster):
    """Of some pods the one that logs most."""
    some = [(p["metadata"]["namespace"], p["metadata"]["name"]) for p in cluster.get("pods", "-A")["items"] if status(p) in ("Running", "CrashLoopBackOff")]
    some = some[:: max(1, len(some) // 25)]
    length = lambda pod: len(cluster.bed.run("kubectl", "logs", "-n", pod[0], pod[1], "--tail=100", "--ignore-errors", "--prefix=false"))
    return max(some, key=length)


def compared(pods, program):
    bed = bench.Bed("--nodes", "5")
    bed.run("load", *(["--compare"] if pods == 200 else ["--pods", str(pods)]))
    if pods != 200:
        for manifest in ("healthy.yaml", "faults.yaml"):
            bed.run("apply", str(HERE.parent / "compare" / manifest))
    bed.run("fault", "seed-incident")
    time.sleep(40)
    cluster = Cluster(bed)
    pod = cluster.names("pods", "-n", "aiops")[0]
    logged = most_talkative(cluster)
    ours = Server([bench.MIDWATCH, "mcp", "--kubeconfig", bed.context("tool-a"), "--toolsets", "core,config,helm,ours", "--lang", "en", "--rate", "100000"])
    theirs = Server([str(program), "--kubeconfig", bed.context("tool-b"), "--toolsets", "core,config,helm"])
    time.sleep(1)
    idle = (ours.memory(), theirs.memory())
    total = len(cluster.get("pods", "-A")["items"])
    say(f"\n## {total} pods, {len(cluster.get('events', '-A')['items'])} events\n")
    say("| tool | arguments | facts ours / theirs | tokens ours (all pages) / theirs | ms single ours / theirs | ms in bursts ours / theirs |")
    say("|---|---|---|---|---|---|")
    sums, slower, lost = [0, 0, 0], [], []
    for tool, arguments, facts in calls(cluster, pod, logged):
        (mine, _, _), (other, failed, _) = ours.call(tool, arguments), theirs.call(tool, arguments)
        every = ours.whole(tool, arguments) if "cursor \"" in mine else mine
        a, b, c = tokens([mine, every, other])
        for at, n in enumerate((a, b, c)):
            sums[at] += n
        gone, gone_there = missing(every, facts), missing(other, facts)
        if gone:
            lost.append(f"{tool}({written(arguments)}): {gone[:5]}")
        (single, burst), (single_there, burst_there) = latency(ours, tool, arguments), latency(theirs, tool, arguments)
        if single > single_there or burst > burst_there:
            slower.append(f"{tool}({written(arguments)})")
        pages = "" if b == a else f" ({b:,})"
        error = " (error)" if failed else ""
        say(f"| {tool} | {written(arguments)} | {len(facts) - len(gone)}/{len(facts)}, {len(facts) - len(gone_there)}/{len(facts)} | {a:,}{pages} / {c:,}{error} "
            f"| {single * 1000:.1f} / {single_there * 1000:.1f} | {burst * 1000:.1f} / {burst_there * 1000:.1f} |")
    say(f"| sum | | | {sums[0]:,} ({sums[1]:,}) / {sums[2]:,} | | |")
    after = (ours.memory(), theirs.memory())
    cause, _, took = ours.call("diagnose", {"object": f"pod/{pod}", "namespace": "aiops"})
    say(f"\nAnswers: {sums[0] / sums[2]:.2f} of theirs in tokens, {sums[1] / sums[2]:.2f} with every page fetched.")
    say(f"Facts missing in ours: {'; '.join(lost) or 'none'}.")
    say(f"Slower in ours: {'; '.join(slower) or 'none'}.")
    say(f"Memory (resident), idle: {idle[0]:.0f} MiB ours, {idle[1]:.0f} MiB theirs; after all calls {after[0]:.0f} and {after[1]:.0f} MiB.")
    say(f"The seed's cause by one call of `diagnose`: {tokens([cause])[0]} tokens, {took * 1000:.0f} ms, names the cause: {'volume_size_below_minimum' in cause}.")
    web = Web(bed.context("tool-a"))
    scale = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "cart"}
    replicas = str(next(d for d in cluster.get("deployments", "-n", "shop")["items"] if d["metadata"]["name"] == "cart")["spec"]["replicas"])
    mine, (other, _, _) = web.call("resources_scale", scale), theirs.call("resources_scale", scale)
    a, b = tokens([mine, other])
    say(f"resources_scale (read; over HTTP, because the one on standard input proposes nothing): {replicas} replicas in both: {replicas in mine and replicas in other}, tokens {a} / {b}.")
    # where there are several clusters every tool that reaches one takes `context`; `serve` has one cluster
    context = ours.tools["pods_list"]["inputSchema"]["properties"].get("context")
    for name, tool in web.tools.items():
        if context and name not in ("configuration_contexts_list", "configuration_view", "alerts_list", "query_metrics", "proposal_status"):
            tool["inputSchema"].setdefault("properties", {})["context"] = context
    lists = ({**web.tools, **ours.tools}, theirs.tools)
    web.stop()
    ours.stop()
    theirs.stop()
    bed.stop()
    return lists


def main():
    program = installed()
    sizes = [int(n) for n in sys.argv[sys.argv.index("--pods") + 1].split(",")] if "--pods" in sys.argv else [200, 2000]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    say("# Beside kubernetes-mcp-server\n")
    say(f"Made by `testbed/mcp/compare.py` (part of `make bench`) at commit {commit}; do not edit. kubernetes-mcp-server 0.0.67 (npm) and "
        f"`midwatch mcp`, both over standard input and output, on the same test bed at the same time, {platform.machine()}, {os.cpu_count()} cores. "
        f"Single: median of {SPACED} calls half a second apart; in bursts: median of {BURST} back to back. Tokens: o200k of the answer's text. "
        "Facts come from kubectl and are looked for in both answers; ours by all its pages. "
        f"Load average at the start: {os.getloadavg()[0]:.0f}."
        + ("" if "release" in bench.MIDWATCH else " **Ours was not the release build here: facts and tokens hold, its times and memory say nothing.**"))
    for pods in sizes:
        mine, other = compared(pods, program)
    misses = accepted(mine, other)
    own = [tool for name, tool in mine.items() if name not in other]
    a, b, c = tokens([json.dumps(list(tools), ensure_ascii=False, separators=(",", ":")) for tools in ([t for n, t in mine.items() if n in other], mine.values(), other.values())])
    say("\n## The list of tools\n")
    say(f"- Tools of both: {len(mine) - len(own)} of their {len(other)}; arguments that ours does not take as they do: {'; '.join(misses) or 'none'}.")
    say(f"- Tokens of `tools/list`: {a:,} for those of both, theirs {c:,} ({a / c:.2f}); {b:,} with our own {len(own)}.")
    (ROOT / "docs/mcp-compared.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
