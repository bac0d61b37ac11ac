// The official SDKs and the Inspector's command line against the test bed: every tool is listed and called over stdio,
// streamable HTTP and the old SSE, and what proposes a change changes nothing. Then the configuration blocks of README.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { calls, judge, proposal, reasons } from './calls.mjs';
import { start } from './subject.mjs';

const { MIDWATCH, NODE, NODE_MODULES, PYTHON } = process.env;
const execute = promisify(execFile);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const resolve = createRequire(`${NODE_MODULES}/package.json`).resolve;
const load = (name) => import(pathToFileURL(resolve(name)));
const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { SSEClientTransport } = await load('@modelcontextprotocol/sdk/client/sse.js');

const subject = await start();
const headers = { authorization: `Bearer ${subject.token}` };
/** A person's environment: the program in the path, the kubeconfig at home. */
const person = { PATH: `${dirname(MIDWATCH)}:${process.env.PATH}`, HOME: subject.home };
let failed = 0;
const wrong = (text) => {
  console.error(text);
  failed++;
};

/** The client that editors and n8n's MCP nodes are made with. */
async function typescript(name, transport) {
  const client = new Client({ name: 'check', version: '1' });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const answers = [];
  let made = '';
  for (const call of calls(tools, subject.chart)) {
    const params = { name: call.tool, arguments: filled(call.arguments, made) };
    const answer = await client.callTool(params).catch((error) => ({ protocol: String(error) }));
    answers.push({ ...call, ...answer, text: answer.content?.[0]?.text });
    made = proposal(answers.at(-1)) ?? made;
  }
  const { resourceTemplates } = await client.listResourceTemplates();
  const { prompts } = await client.listPrompts();
  if (!resourceTemplates.length || !prompts.length) wrong(`${name}: no resource templates or no prompts`);
  await client.close();
  failed += judge(name, tools, answers);
  return calls(tools, subject.chart);
}

async function python(transports, list) {
  const given = { transports, headers, calls: list };
  const child = spawn(PYTHON, [here('clients.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  child.stdin.end(JSON.stringify(given));
  for await (const line of createInterface({ input: child.stdout })) {
    const { name, tools, answers } = JSON.parse(line);
    failed += judge(name, tools, answers);
  }
  const [code] = await exit;
  if (code !== 0) wrong(`the Python SDK's program ended with ${code}`);
}

/** Runs the Inspector once. It ends with an error where the answer is one; the answer is on its output all the same. */
async function inspect(...args) {
  const cli = `${NODE_MODULES}/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js`;
  const { stdout, stderr } = await execute(NODE, [cli, '--cli', ...args, '--format', 'json', '--quiet'], { env: person, maxBuffer: 16 << 20 }).catch((error) => error);
  try {
    return JSON.parse(stdout).result ?? JSON.parse(stdout);
  } catch {
    return { protocol: stdout + stderr };
  }
}

async function inspector(name, target) {
  const { tools } = await inspect(...target, '--method', 'tools/list');
  const all = calls(tools, subject.chart);
  let made = '';
  const answered = async (call) => {
    const given = JSON.stringify(filled(call.arguments, made));
    const answer = await inspect(...target, '--method', 'tools/call', '--tool-name', call.tool, '--tool-args-json', given);
    return { ...call, ...answer, text: answer.content?.[0]?.text };
  };
  const answers = await severally(all.filter((call) => call.proposing), answered);
  made = answers.map(proposal).find(Boolean);
  answers.push(...(await severally(all.filter((call) => !call.proposing), answered)));
  failed += judge(name, tools, answers);
}

/** A few at once: each is a process. */
async function severally(items, work) {
  const results = [];
  const rest = [...items.entries()];
  const worker = async () => {
    for (let next = rest.shift(); next; next = rest.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all([worker(), worker(), worker()]);
  return results;
}

const filled = (given, made) => JSON.parse(JSON.stringify(given).replaceAll('{proposal}', made));

/** README's blocks and command as they stand there; the Inspector reads the files of Claude Desktop and Cursor. */
async function readme() {
  const parts = async (file) => (await readFile(here(`../../${file}`), 'utf8')).match(/\{"mcpServers".*\}|(?<=inspector --cli )[^`]+/g);
  const shown = await parts('README.md');
  if (shown.length !== 3 || shown.join() !== (await parts('README.zh.md')).join()) throw new Error('README.md and README.zh.md do not show the same');
  const { tools } = await inspect(...shown.pop().split(' '));
  if (tools?.length) console.log(`README's own call of the Inspector: ${tools.length} tools listed`);
  else wrong("README's own call of the Inspector lists nothing");
  const file = join(subject.home, 'mcp.json');
  for (const block of shown) {
    // what a reader fills in, and the variable that the editor fills in
    await writeFile(file, block.replace('https://midwatch.example', subject.url).replace('${env:MIDWATCH_TOKEN}', subject.token));
    const configured = ['--config', file, '--server', 'midwatch', '--method'];
    const { tools, protocol } = await inspect(...configured, 'tools/list');
    const answer = await inspect(...configured, 'tools/call', '--tool-name', 'namespaces_list');
    if (answer.content?.[0]?.text.includes('demo Active')) console.log(`README ${block}: ${tools.length} tools listed, namespaces_list answers`);
    else wrong(`README ${block}: ${protocol ?? JSON.stringify(answer)}`);
  }
}

/** Milliseconds from the start of a fresh `midwatch mcp` to its answers. */
async function startup() {
  const taken = [];
  for (let run = 0; run < 10; run++) {
    const began = performance.now();
    const child = spawn('midwatch', ['mcp'], { env: person, stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ask = async (id, method, params) => {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      await lines.next();
      return performance.now() - began;
    };
    const clientInfo = { name: 'check', version: '1' };
    const times = [await ask(1, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })];
    child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    times.push(await ask(2, 'tools/list', {}), await ask(3, 'tools/call', { name: 'namespaces_list', arguments: {} }));
    taken.push(times);
    child.stdin.end();
  }
  const median = (index) => Math.round(taken.map((times) => times[index]).sort((a, b) => a - b)[5]);
  console.log(`midwatch mcp, median of ${taken.length} starts: initialize answered after ${median(0)} ms, tools/list ${median(1)} ms, namespaces_list ${median(2)} ms`);
}

/** All that a proposal could have changed. */
async function objects() {
  const all = JSON.parse(await subject.kubectl('-n', 'demo', 'get', 'deployments,statefulsets,pods,services,configmaps,secrets', '-o', 'json'));
  return all.items.map(({ kind, metadata: { name, uid, labels, deletionTimestamp }, spec, data }) =>
    JSON.stringify({ kind, name, uid, labels, deletionTimestamp, spec, data })).join('\n');
}

async function all() {
  const before = await objects();
  await startup();
  await readme();
  const http = ['HTTP', `${subject.url}/mcp`];
  const sse = ['SSE', `${subject.url}/sse`];
  const requestInit = { headers };
  const served = await typescript('TypeScript SDK over HTTP', new StreamableHTTPClientTransport(new URL(http[1]), { requestInit }));
  await typescript('TypeScript SDK over SSE', new SSEClientTransport(new URL(sse[1]), { requestInit }));
  await python({ http: http[1], sse: sse[1] }, served);
  for (const [name, url] of [http, sse]) {
    await inspector(`Inspector over ${name}`, [url, '--transport', name.toLowerCase(), '--header', `Authorization: ${headers.authorization}`]);
  }
  await typescript('TypeScript SDK over stdio', new StdioClientTransport(subject.stdio('typescript')));
  await python({ stdio: subject.stdio('python') }, served);
  const { command, args } = subject.stdio('inspector');
  await inspector('Inspector over stdio', [command, ...args]);
  const after = await objects();
  if (after === before) console.log('no object has changed');
  else wrong(`the objects have changed:\n${before}\n\n${after}`);
  console.log(reasons());
}

try {
  await all();
} finally {
  await subject.stop();
}
process.exit(failed ? 1 : 0);
