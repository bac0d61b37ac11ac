// What is tested: our server over the test bed's control plane, with people, all tools, and the old SSE switched on.
import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const { MIDWATCH } = process.env;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const run = promisify(execFile);
const TOOLSETS = ['core', 'config', 'helm', 'ours'];

/** Starts it all on free ports. `stop` also runs on a signal; the test bed ends with its standard input in any case. */
export async function start() {
  const dir = await mkdtemp(join(tmpdir(), 'midwatch-mcp-'));
  const children = [];
  const stop = async () => {
    for (const child of children.reverse()) {
      child.stdin.end();
      if (child.spawnfile === MIDWATCH) child.kill();
      if ((child.exitCode ?? child.signalCode) === null) await new Promise((resolve) => child.on('exit', resolve));
    }
    await rm(dir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop().finally(() => process.exit(1)));
  const begin = (pattern, ...command) => {
    const child = spawn(command[0], command.slice(1), { stdio: 'pipe' });
    children.push(child);
    return said(child, pattern);
  };
  try {
    const bed = JSON.parse(await begin(/^(\{"kubeconfig".*)/, here('../run'), 'up', '--wait', '--nodes', '2'));
    const kubectl = async (...args) => (await run(bed.kubectl, ['--kubeconfig', bed.kubeconfig, ...args], { maxBuffer: 64 << 20 })).stdout;
    // where a person's programs look for it
    await mkdir(join(dir, '.kube'));
    await copyFile(bed.kubeconfig, join(dir, '.kube/config'));
    await furnish(bed, kubectl);
    const helm = join(dir, 'helm');
    // the home below is a new one, and the built helm is in the cache of this one
    const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
    await writeFile(helm, `#!/bin/sh\nXDG_CACHE_HOME='${cache}' exec ${here('../run')} helm "$@"\n`);
    await chmod(helm, 0o755);
    const config = join(dir, 'midwatch.yaml');
    await writeFile(config, JSON.stringify({
      listen: '127.0.0.1:0', data_dir: join(dir, 'served'), policy: here('policy.yaml'),
      cluster: { kubeconfig: bed.kubeconfig }, prometheus: { url: bed.prometheus },
      people: { impersonate: true },
      mcp: { sse: true, toolsets: TOOLSETS, rate_per_minute: 100000, helm: { program: helm, charts: [here('chart')] } },
      approvals: { most_waiting: 1000 },
    }));
    const own = async (...args) => (await run(MIDWATCH, [...args, '--role', 'operator', '--config', config])).stdout;
    await own('user', 'set', 'agent', '--group', 'agents');
    const token = (await own('token', 'create', 'agent')).trim().split(/\s+/).pop();
    const address = await begin(/address=(127\.0\.0\.1:\d+)/, MIDWATCH, 'serve', '--config', config);
    // -c and not --config, which the Inspector would take for its own
    const stdio = (folder) => ({
      command: MIDWATCH,
      args: ['mcp', '-c', config, '--data-dir', join(dir, folder), '--toolsets', TOOLSETS.join(), '--prometheus', bed.prometheus],
      env: { HOME: dir, PATH: process.env.PATH },
    });
    return { url: `http://${address}`, token, home: dir, chart: here('chart'), stdio, kubectl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The objects, a second revision of the deployment, a release that Helm itself made, and a pod that has crashed. */
async function furnish(bed, kubectl) {
  await kubectl('apply', '-f', here('demo.yaml'));
  await kubectl('-n', 'demo', 'rollout', 'status', 'deployment/web', '--timeout=60s');
  await kubectl('-n', 'demo', 'set', 'image', 'deployment/web', 'main=registry.example.com/web:2');
  await kubectl('-n', 'demo', 'rollout', 'status', 'deployment/web', '--timeout=60s');
  await run(here('../run'), ['helm', 'install', 'greeting', here('chart'), '--namespace', 'demo', '--kubeconfig', bed.kubeconfig]);
  await kubectl('-n', 'demo', 'wait', 'pod/store-0', '--for=jsonpath={.status.containerStatuses[0].restartCount}=2', '--timeout=120s');
}

/** Waits for a line that matches, on either output. */
function said(child, pattern) {
  return new Promise((resolve, reject) => {
    const seen = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const plain = line.replace(/\x1b\[[0-9;]*m/g, '');
        seen.push(plain);
        const match = plain.match(pattern);
        if (match) resolve(match[1]);
      });
    }
    child.on('exit', (code) => reject(new Error(`it ended with ${code}:\n${seen.join('\n')}`)));
  });
}
