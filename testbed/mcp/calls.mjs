// What is called, and how it has to be answered.
import { readFile } from 'node:fs/promises';

const ARGUMENTS = await readFile(new URL('arguments.json', import.meta.url), 'utf8');

/** What is refused: what the answer says, and why that is right. */
const REFUSED = {
  projects_list: ['it is not OpenShift', 'the test bed is no OpenShift'],
  nodes_log: ['which nobody has given leave for', 'pages of a kubelet are off until the policy names them'],
  nodes_stats_summary: ['which nobody has given leave for', 'pages of a kubelet are off until the policy names them'],
  pods_exec: ['cannot be previewed', 'nobody can approve what no preview shows'],
};

/** For each tool its calls, those that propose first: `{proposal}` in the others stands for one that was made. */
export function calls(tools, chart) {
  const { reads, proposes } = JSON.parse(ARGUMENTS.replaceAll('{chart}', chart));
  const of = (list, tool, proposing) => (list[tool.name] ?? []).map((given) => ({ tool: tool.name, arguments: given, proposing }));
  const plain = tools.filter((tool) => !reads[tool.name] && !proposes[tool.name]);
  for (const tool of tools) {
    if (plain.includes(tool) && tool.inputSchema.required?.length) throw new Error(`${tool.name}: arguments.json has no arguments for it`);
    if (tool.annotations.readOnlyHint === false && !proposes[tool.name]) throw new Error(`${tool.name}: arguments.json has no proposal of it`);
  }
  return [
    ...tools.flatMap((tool) => of(proposes, tool, true)),
    ...plain.map((tool) => ({ tool: tool.name, arguments: {}, proposing: false })),
    ...tools.flatMap((tool) => of(reads, tool, false)),
  ];
}

/** Prints what was wrong and a line of figures. `answers` are the calls with `text` and `isError`, or `protocol`. */
export function judge(name, tools, answers) {
  const wrong = [];
  const counted = { answered: 0, proposed: 0, refused: 0 };
  for (const answer of answers) {
    const refused = REFUSED[answer.tool]?.[0];
    const one = kind(answer, refused);
    if (one) counted[one]++;
    else wrong.push(`${answer.tool} ${JSON.stringify(answer.arguments)}: ${answer.protocol ?? answer.text ?? 'no text'}`);
  }
  const called = new Set(answers.map((answer) => answer.tool));
  wrong.push(...tools.filter((tool) => !called.has(tool.name)).map((tool) => `${tool.name} was not called`));
  for (const text of wrong) console.error(`${name}: ${text}`);
  const { answered, proposed, refused } = counted;
  console.log(`${name}: ${tools.length} tools listed, ${called.size} called (${answers.length} calls): ` +
    `${answered} read, ${proposed} approval needed, ${refused} refused for a known reason, ${wrong.length} wrong`);
  return wrong.length + (tools.length === 0);
}

/** The id of the proposal that an answer tells of. */
export const proposal = ({ text }) => text?.match(/^approval needed: ([a-z0-9]{16}), https?:\/\/\S+\/approvals\/\1\n/)?.[1];

function kind(answer, refused) {
  const { proposing, text, isError, protocol } = answer;
  if (protocol || !text) return null;
  if (refused) return isError && text.includes(refused) ? 'refused' : null;
  if (isError) return null;
  if (!proposing) return 'answered';
  return proposal(answer) ? 'proposed' : null;
}

/** The reasons, as a table. */
export function reasons() {
  const rows = Object.entries(REFUSED).map(([tool, [, why]]) => `  ${tool}: ${why}`);
  return `Refused, and why:\n${rows.join('\n')}`;
}
