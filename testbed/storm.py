"""storm.py PORT ALERTS SECONDS: sends that many alerts to a `midwatch serve` on this port, evenly over the time, and does not
wait for an answer before the next one is due. Prints the statuses and the latencies, from when each was due, as JSON.

Needs nothing but Python. `make bench` runs it.
"""
import asyncio, json, sys, time

NAMESPACES = 40


def request(n):
    labels = {"alertname": "KubePodNotReady", "namespace": f"ns-{n % NAMESPACES}", "pod": f"web-{n}", "severity": "warning"}
    alert = {"status": "firing", "labels": labels, "annotations": {"summary": "the pod is not ready"}, "startsAt": "2026-01-02T03:04:05Z", "endsAt": "0001-01-01T00:00:00Z"}
    body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()
    return b"POST /webhooks/alertmanager HTTP/1.1\r\nhost: storm\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def main(port, alerts, seconds):
    idle, took, statuses = [], [], {}

    async def send(n, due):
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(n))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
        await reader.readexactly(length)
        status = head.split()[1].decode()
        statuses[status] = statuses.get(status, 0) + 1
        took.append(time.perf_counter() - due)
        idle.append((reader, writer))

    start, tasks = time.perf_counter(), []
    for n in range(alerts):
        due = start + n * seconds / alerts
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        # a timer that fires late is not the server's doing
        tasks.append(asyncio.create_task(send(n, max(due, time.perf_counter() - 0.002))))
    await asyncio.gather(*tasks)
    took.sort()
    quantile = lambda q: took[min(len(took) - 1, int(q * len(took)))]
    print(json.dumps({"statuses": statuses, "p50": quantile(.5), "p99": quantile(.99), "max": took[-1]}))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
