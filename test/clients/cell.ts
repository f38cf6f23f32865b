// One cell of the matrix: a player, a film and a delivery, taken through everything that a viewer does.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client as Account, Started } from '../support/client.ts';
import { until } from '../support/processes.ts';
import type { ThrottlingProxy } from '../support/throttling-proxy.ts';
import { cueText, type Film } from './films.ts';
import { add, emptyTally, judge, type Tally } from './judge.ts';
import { type Client, type Delivery, NotPossible, type Playing, type Step } from './player.ts';

/** What came of a step: `ok`, what was wrong, or why it was not tried. */
export type Outcome = { readonly is: 'ok' | 'wrong' | 'untried'; readonly text: string };

export type CellResult = {
  readonly client: string;
  readonly film: string;
  readonly delivery: Delivery;
  startMs: number | null;
  readonly pictures: Tally;
  readonly sounds: Tally;
  readonly steps: Partial<Record<Step, Outcome>>;
};

export type World = {
  readonly account: Account;
  readonly proxy: ThrottlingProxy;
  readonly mediaOf: (film: Film) => { readonly id: string; readonly durationMs: number };
};

/** In seconds of a film of a hundred: shares of any other. */
const SHORT_AND_LONG = [4.3, 2.1, 57.4, 51.02, 9.7] as const;
const SCRUB = [20, 33, 71, 45, 12, 88, 63, 25, 40, 68.5] as const;
const SCRUB_INTERVAL_MS = 200;
const RESUME = 33.4;
const SOUND_DEADLINE_MS = 20_000;
const NARROW_BPS = 500_000;
const STEP_DEADLINE_MS = 60_000;
const ABR_DEADLINE_MS = 60_000;
const PARKED_DEADLINE_MS = 60_000;

export type CellPlan = { readonly client: Client; readonly film: Film; readonly delivery: Delivery; readonly steps: readonly Step[] };

export class Cell {
  readonly #world: World;
  readonly #plan: CellPlan;
  readonly #playing: Playing;
  readonly result: CellResult;
  #session: Started | null = null;
  #isAbandoned = false;

  constructor(world: World, plan: CellPlan, playing: Playing) {
    this.#world = world;
    this.#plan = plan;
    this.#playing = playing;
    const { client, film, delivery } = plan;
    this.result = {
      client: client.name,
      film: film.name,
      delivery,
      startMs: null,
      pictures: emptyTally(),
      sounds: emptyTally(),
      steps: {},
    };
  }

  async run(): Promise<CellResult> {
    const { client, delivery, film, steps: planned } = this.#plan;
    const refusal = client.refuses(film.name, delivery);
    if (refusal !== null) {
      this.result.steps.start = { is: 'untried', text: refusal };
      return this.result;
    }
    const steps: Record<Step, () => Promise<void>> = {
      start: () => this.#start(0),
      seek: () => this.#seeks(),
      scrub: () => this.#scrub(),
      audio: () => this.#switchSound(),
      subtitles: () => this.#switchText(),
      pause: () => this.#pause(),
      close: () => this.#close(),
      resume: () => this.#resume(),
      abr: () => this.#changeLine(),
    };
    try {
      for (const step of planned) {
        const reason = client.cannot(step, delivery);
        if (this.#isAbandoned) break;
        const outcome: Outcome = reason === null ? await outcomeOf(steps[step]) : { is: 'untried', text: reason };
        if (this.#isAbandoned) break;
        this.result.steps[step] = outcome;
        // A player that shows nothing has nothing to seek in.
        if (step === 'start' && this.result.startMs === null) break;
      }
    } finally {
      // The line is another cell's by then.
      if (!this.#isAbandoned) this.#world.proxy.limit(Number.POSITIVE_INFINITY);
      await this.#end();
    }
    return this.result;
  }

  /** Its time is up: a step that hangs may go on, but no other begins. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#world.proxy.limit(Number.POSITIVE_INFINITY);
  }

  async #start(positionS: number): Promise<void> {
    const { account, proxy, mediaOf } = this.#world;
    const { client, film, delivery } = this.#plan;
    const session = await account.start(mediaOf(film).id, {
      ...client.client,
      delivery,
      seekMode: 'precise',
      ...(positionS === 0 ? { startPositionMs: 0 } : {}),
    });
    this.#session = session;
    if (session.delivery !== delivery) throw new Error(`the server delivers it as ${session.delivery}`);
    const startS = session.startPositionMs / 1_000;
    if (Math.abs(startS - positionS) > 0.5) throw new Error(`the server begins at ${startS} s`);
    const url = new URL(session.streamUrl, proxy.url).href;
    const texts = delivery === 'direct' ? wholeTexts(session).map(path => new URL(path, url).href) : [];
    const beganMs = performance.now();
    await this.#playing.open({ url, startS, texts });
    this.result.startMs ??= Math.round(performance.now() - beganMs);
    await this.#look(positionS);
  }

  async #seeks(): Promise<void> {
    const wrong: string[] = [];
    for (const position of SHORT_AND_LONG.map(share => this.#at(share))) {
      await this.#playing.seek([position], 0);
      await this.#look(position).catch(error => wrong.push(`after the seek to ${position}: ${messageOf(error)}`));
    }
    if (wrong.length > 0) throw new Error(wrong.join('; '));
  }

  async #scrub(): Promise<void> {
    const positions = SCRUB.map(share => this.#at(share));
    await this.#playing.seek(positions, SCRUB_INTERVAL_MS);
    await this.#look(positions.at(-1));
  }

  async #switchSound(): Promise<void> {
    await this.#playing.chooseAudio(1);
    const before = await this.#playing.clockS();
    // What is loaded already may be heard first; a switch that a viewer waits longer for is none.
    const deadline = performance.now() + SOUND_DEADLINE_MS;
    while (!judge(await this.#playing.look(), this.#slackS).isSecondSound) {
      if (performance.now() > deadline) throw new Error(`the other sound is not heard within ${SOUND_DEADLINE_MS / 1_000} s`);
    }
    await this.#look(null, true);
    if ((await this.#playing.clockS()) < before - 1) throw new Error('the clock went back');
    await this.#playing.chooseAudio(0);
  }

  async #switchText(): Promise<void> {
    await this.#playing.chooseText(0);
    await until(
      'the cue of the clock is shown',
      async () => {
        const { clockS, texts } = await this.#playing.texts();
        const second = Math.floor(clockS);
        // Near its ends a cue may come and go between two looks.
        if (clockS - second < 0.25 || clockS - second > 0.75) return false;
        if (texts.length === 0) return false;
        const [shown = ''] = texts.map(text => text.replaceAll(/<[^>]*>/g, '').trim());
        if (shown !== cueText(second)) throw new Error(`at ${clockS.toFixed(2)} s stands "${shown}"`);
        return true;
      },
      15_000,
    );
  }

  async #pause(): Promise<void> {
    await this.#playing.pause();
    const id = this.#id();
    await until(
      'no encode writes while the player is paused',
      async () => !(await this.#encodes(id)).includes('writing'),
      PARKED_DEADLINE_MS,
    );
  }

  async #close(): Promise<void> {
    const id = this.#id();
    const { account } = this.#world;
    await account.call('POST', `/api/v1/sessions/${id}/heartbeat`, { positionMs: this.#at(RESUME) * 1_000, state: 'paused' });
    await this.#end();
    const { status } = await account.request('GET', `/api/v1/sessions/${id}`);
    if (status !== 404) throw new Error(`the session answers ${status} after it was closed`);
    await until(
      'no session and no encode is left',
      async () => leftOpen((await account.bytes('/metrics')).toString()) === 0,
      PARKED_DEADLINE_MS,
    );
  }

  async #resume(): Promise<void> {
    await this.#start(this.#at(RESUME));
  }

  /** Which rungs are fetched tells the proxy: no player has to be asked. */
  async #changeLine(): Promise<void> {
    const { proxy } = this.#world;
    const ladder = this.#session?.ladder ?? [];
    if (ladder.length < 2) throw new NotPossible('the film has one rung');
    await this.#playing.seek([2], 0);
    const before = await until('a picture segment', () => this.#rungsSince(0).at(-1), ABR_DEADLINE_MS);
    if (this.#isAbandoned) throw new Error('its time is up');
    proxy.limit(NARROW_BPS);
    const narrowMs = performance.now();
    const lower = await until(
      `a lower rung than ${before} on a line of ${NARROW_BPS / 1_000} kb/s`,
      () => this.#rungsSince(narrowMs).find(rung => this.#bandwidth(rung) < this.#bandwidth(before)),
      ABR_DEADLINE_MS,
    );
    proxy.limit(Number.POSITIVE_INFINITY);
    const openMs = performance.now();
    await until(
      `a higher rung than ${lower} once the line is open`,
      () => this.#rungsSince(openMs).find(rung => this.#bandwidth(rung) > this.#bandwidth(lower)),
      ABR_DEADLINE_MS,
    );
    // The switch itself is seen a little later: what is loaded is played first.
    for (let at = 0; at < 3; at++) await this.#look();
  }

  /** What is seen and heard must be of the clock, and the clock near where the player was sent. */
  async #look(expectedS: number | null = null, wantsSecondSound: boolean | null = null): Promise<void> {
    let look = await this.#playing.look();
    let verdict = judge(look, this.#slackS);
    if (isStray(verdict.pictures) || isStray(verdict.sounds)) {
      look = await this.#playing.look();
      verdict = judge(look, this.#slackS);
    }
    add(this.result.pictures, verdict.pictures);
    add(this.result.sounds, verdict.sounds);
    if (verdict.pictures.checked === 0) throw new Error('no picture was seen');
    if (verdict.complaint !== '') throw new Error(verdict.complaint);
    const at = look.pictures[0]?.clockS ?? 0;
    if (expectedS !== null && Math.abs(at - expectedS) > 5)
      throw new Error(`the clock stands at ${at.toFixed(2)} s instead of ${expectedS} s`);
    if (wantsSecondSound !== null && verdict.isSecondSound !== wantsSecondSound) throw new Error('it is the wrong sound');
  }

  async #end(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await within(this.#playing.close(), 'closing the player', 15_000).catch(() => {});
    if (session) await this.#world.account.stop(session.sessionId).catch(() => {});
  }

  #at(share: number): number {
    const { durationMs } = this.#world.mediaOf(this.#plan.film);
    return Math.round(share * durationMs) / 100_000;
  }

  async #encodes(id: string): Promise<string[]> {
    const { encodes } = await this.#world.account.call<{ encodes: { state: string }[] }>('GET', `/api/v1/sessions/${id}`);
    return encodes.map(({ state }) => state);
  }

  #rungsSince(atMs: number): string[] {
    const id = this.#id();
    return this.#world.proxy.asked
      .filter(one => one.atMs >= atMs && one.path.includes(id))
      .flatMap(({ path }) => /\/video\/([^/]+)\/\d/.exec(path)?.[1] ?? []);
  }

  #bandwidth(rung: string): number {
    return this.#session?.ladder.find(one => one.rung === rung)?.bandwidthBps ?? Number.NaN;
  }

  #id(): string {
    if (!this.#session) throw new Error('no session is open');
    return this.#session.sessionId;
  }

  get #slackS(): number {
    return this.#plan.client.slackS ?? 0;
  }
}

/** Fewer than half are off: a busy machine is late for some, a wrong timeline for all. It is looked again, once. */
const isStray = ({ wrong, checked }: Tally): boolean => wrong > 0 && wrong * 2 < checked;

async function outcomeOf(step: () => Promise<void>): Promise<Outcome> {
  try {
    await within(step(), 'the step', STEP_DEADLINE_MS * 2);
    return { is: 'ok', text: '' };
  } catch (error) {
    return { is: error instanceof NotPossible ? 'untried' : 'wrong', text: messageOf(error) };
  }
}

/** A player may hang for ever. */
export async function within<T>(work: Promise<T>, what: string, deadlineMs: number): Promise<T> {
  const controller = new AbortController();
  const late = delay(deadlineMs, null, { signal: controller.signal }).then(() => {
    throw new Error(`${what}: not within ${deadlineMs / 1_000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    controller.abort();
    late.catch(() => {});
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

const wholeTexts = (session: Started): string[] =>
  (session as unknown as { tracks: { subtitles: { wholeUrl: string }[] } }).tracks.subtitles.map(({ wholeUrl }) => wholeUrl);

/** Sessions and grants to encode, as the server counts them. */
function leftOpen(metrics: string): number {
  const counts = [...metrics.matchAll(/^(?:playback_sessions|transcode_granted) (\S+)$/gm)].map(([, count]) => Number(count));
  if (counts.length !== 2) throw new Error('the metrics do not tell what is open');
  return counts.reduce((sum, count) => sum + count, 0);
}
