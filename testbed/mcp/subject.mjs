// What is tested: our server over a recorded cluster, and arguments that fit the recording.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const { MIDWATCH, RECORDED } = process.env;
const objects = JSON.parse(process.env.OBJECTS);
const { pod, node, namespace } = objects;

/** For every tool that has required arguments, and for those that say more with some. */
export const ARGUMENTS = {
  nodes_log: { name: node, query: 'kubelet' },
  nodes_stats_summary: { name: node },
  pods_get: { name: pod, namespace },
  pods_list_in_namespace: { namespace },
  pods_log: { name: pod, namespace },
  resources_get: { apiVersion: 'v1', kind: 'Pod', name: pod, namespace },
  resources_list: { apiVersion: 'v1', kind: 'Pod' },
  changes: { namespace },
  describe: { kind: 'Pod', name: pod, namespace },
  diagnose: { namespace },
  evidence: { id: 'E1', namespace },
  explain: { kind: 'Pod' },
  logs_search: { namespace, pattern: 'error' },
  query_metrics: { query: 'up' },
  proposal_status: { id: 'P-1' },
  rollout: { action: 'status', kind: 'Deployment', name: 'none', namespace },
  search: { name: pod.slice(0, 4) },
  wait_for: { kind: 'Pod', name: pod, namespace, condition: 'Ready', timeoutSeconds: 1 },
  who_can: { verb: 'get', resource: 'pods' },
  apply_preview: { resource: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: default}\n' },
};

/** Starts `midwatch serve` in front of `midwatch replay`, on free ports, with the old SSE switched on. */
export async function serve() {
  const dir = await mkdtemp(join(tmpdir(), 'midwatch-mcp-'));
  const replay = spawn(MIDWATCH, ['replay', RECORDED, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = await said(replay, /http:\/\/127\.0\.0\.1:\d+/);
  const config = join(dir, 'midwatch.yaml');
  await writeFile(config, `listen: 127.0.0.1:0\ndata_dir: ${dir}\ncluster: {server: '${server}'}\nmcp: {sse: true}\n`);
  const midwatch = spawn(MIDWATCH, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const address = await said(midwatch, /address=(127\.0\.0\.1:\d+)/);
  return {
    url: `http://${address}`,
    async stop() {
      for (const child of [midwatch, replay]) child.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
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
        if (match) resolve(match[1] ?? match[0]);
      });
    }
    child.on('exit', (code) => reject(new Error(`it ended with ${code}:\n${seen.join('\n')}`)));
  });
}
