// The official TypeScript SDK and the Inspector's command line, against a recorded cluster: every tool is listed and every
// tool that reads is called, over stdio, streamable HTTP and the old SSE. An answer may say that something is missing; it
// must never be a protocol error, and one of each kind of tool has to find what the recording holds.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import { serve } from './subject.mjs';

const { MIDWATCH, NODE, NODE_MODULES, PYTHON, RECORDED } = process.env;
/** For every tool that has required arguments: some that fit the recording. */
const written = await readFile(new URL('arguments.json', import.meta.url), 'utf8');
const ARGUMENTS = JSON.parse(written);
const resolve = createRequire(`${NODE_MODULES}/package.json`).resolve;
const load = (name) => import(pathToFileURL(resolve(name)));
const { Client } = await load('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = await load('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = await load('@modelcontextprotocol/sdk/client/streamableHttp.js');
const { SSEClientTransport } = await load('@modelcontextprotocol/sdk/client/sse.js');

const command = { command: MIDWATCH, args: ['mcp', '--replay', RECORDED] };
const http = await serve();
let failed = 0;

async function sdk(name, transport) {
  const client = new Client({ name: 'check', version: '1' });
  await client.connect(transport);
  const { tools } = await client.listTools();
  let answered = 0;
  for (const tool of tools) {
    const answer = await client.callTool({ name: tool.name, arguments: ARGUMENTS[tool.name] ?? {} });
    const text = answer.content?.[0]?.text ?? '';
    if (!ARGUMENTS[tool.name] && tool.inputSchema.required?.length) {
      console.error(`${name}: ${tool.name} has required arguments and none are written down in arguments.json`);
      failed++;
    }
    if (text === '') {
      console.error(`${name}: ${tool.name} answers nothing`);
      failed++;
    }
    if (answer.isError) console.log(`  ${name}: ${tool.name} says: ${text.split('\n')[0]}`);
    else answered++;
  }
  if (tools.length === 0 || answered < tools.length * 0.6) {
    console.error(`${name}: only ${answered} of ${tools.length} tools have an answer`);
    failed++;
  }
  const { resourceTemplates } = await client.listResourceTemplates();
  const { prompts } = await client.listPrompts();
  if (!resourceTemplates.length || !prompts.length) failed++;
  console.log(`${name}: ${tools.length} tools listed and called, ${answered} answered`);
  await client.close();
}

async function inspector(name, target) {
  const cli = `${NODE_MODULES}/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js`;
  const run = async (...args) => {
    const { stdout } = await promisify(execFile)(NODE, [cli, '--cli', ...target, ...args], { maxBuffer: 16 << 20 });
    return JSON.parse(stdout);
  };
  const { tools } = await run('--method', 'tools/list');
  const answer = await run('--method', 'tools/call', '--tool-name', 'namespaces_list');
  if (!tools.length || !answer.content[0].text.includes('shop')) {
    console.error(`${name}: ${JSON.stringify(answer).slice(0, 300)}`);
    failed++;
  }
  console.log(`${name}: ${tools.length} tools listed, namespaces_list called`);
}

await sdk('TypeScript SDK over stdio', new StdioClientTransport(command));
await sdk('TypeScript SDK over HTTP', new StreamableHTTPClientTransport(new URL(`${http.url}/mcp`)));
await sdk('TypeScript SDK over SSE', new SSEClientTransport(new URL(`${http.url}/sse`)));
await inspector('Inspector over stdio', [command.command, ...command.args]);
await inspector('Inspector over HTTP', [`${http.url}/mcp`, '--transport', 'http']);
await inspector('Inspector over SSE', [`${http.url}/sse`, '--transport', 'sse']);
const python = new URL('clients.py', import.meta.url).pathname;
const child = spawn(PYTHON, [python], { stdio: 'inherit', env: { ...process.env, URL: http.url, ARGUMENTS: written } });
const [code] = await once(child, 'exit');
if (code !== 0) failed++;
await http.stop();
process.exit(failed ? 1 : 0);
