// The gate: a minute of ratios and counts that must not get worse than the checked-in baseline. Needs Node and ffmpeg, nothing else.

import { formatNumber } from '../machine/format.ts';
import { freePort } from '../machine/free-port.ts';
import { SERVER_CORE } from '../machine/processes.ts';
import { versionOf } from '../machine/programs.ts';
import { Account } from '../viewers/account.ts';
import { inspectable } from '../watch/inspector.ts';
import { fourMinutes } from '../world/films.ts';
import { withServer } from '../world/server.ts';
import { baselineOf, type Finding, limitOf, mayBeDisturbed, ofTwo, readBaseline, regressions, writeBaseline } from './baseline.ts';
import { burstFindings, CAPACITY, QUEUE_TIMEOUT_MS } from './burst.ts';
import { requestCostFindings } from './cost.ts';
import { copyFindings, stormFindings } from './encodes.ts';
import { idleFindings } from './idle.ts';
import type { GateWorld } from './world.ts';

type GateOptions = { readonly isUpdate: boolean; readonly mediaDir: string; readonly say: (line: string) => void };

const CHECKS: readonly { readonly what: string; readonly run: (world: GateWorld) => Promise<Finding[]> }[] = [
  { what: 'CPU per request', run: requestCostFindings },
  { what: 'encodes of a second viewer', run: copyFindings },
  { what: 'encodes of a seek storm', run: stormFindings },
  { what: 'a burst of starts', run: burstFindings },
  { what: 'idle sessions', run: idleFindings },
];

/** False when something got worse; each is told. */
export async function runGate({ isUpdate, mediaDir, say }: GateOptions): Promise<boolean> {
  const first = await measure({ mediaDir, say });
  if (isUpdate) {
    await writeBaseline(baselineOf(first));
    say('loadtest/gate/baseline.json is written');
    return true;
  }
  const baseline = await readBaseline();
  // Beside a neighbour a whole run can be slow, its quietest round too.
  const isDisturbed = mayBeDisturbed(baseline, first);
  if (isDisturbed) say('gate: a ratio is beyond its limit; all is measured once more, with another server');
  const findings = isDisturbed ? ofTwo(first, await measure({ mediaDir, say })) : first;
  for (const { name, value } of findings) {
    const entry = baseline[name];
    say(`  ${name}: ${formatNumber(value)} (at most ${entry === undefined ? '?' : formatNumber(limitOf(entry))})`);
  }
  const worse = regressions(baseline, findings);
  for (const line of worse) say(`WORSE ${line}`);
  say(worse.length === 0 ? 'gate: nothing got worse' : `gate: ${worse.length} got worse`);
  return worse.length === 0;
}

async function measure({ mediaDir, say }: Pick<GateOptions, 'mediaDir' | 'say'>): Promise<Finding[]> {
  const film = await fourMinutes({ mediaDir, say });
  const inspectorPort = await freePort();
  const settings = {
    FERRITE_MAX_TRANSCODES: String(CAPACITY),
    FERRITE_ADMISSION_TIMEOUT_MS: String(QUEUE_TIMEOUT_MS),
    ...inspectable(inspectorPort),
  };
  const core = versionOf('taskset') === null ? null : SERVER_CORE;
  return withServer({ films: [film], core, settings }, async server => {
    const account = await Account.signIn(server.remote);
    const [media] = await account.media();
    if (!media) throw new Error('the library is empty');
    const world = { server, account, mediaId: media.id, inspectorPort };
    const findings: Finding[] = [];
    for (const { what, run } of CHECKS) {
      const startedMs = performance.now();
      findings.push(...(await run(world)));
      say(`gate: ${what}, ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    }
    return findings;
  });
}
