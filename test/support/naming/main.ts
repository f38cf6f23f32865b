// npm run naming [fact]: the figures of the parser on the naming corpus, and with a fact's name every disagreement about it.
import { basename } from 'node:path';
import { nameFacts } from '#library/naming/name-facts.ts';
import { FolderSidecars } from '#library/sidecar-names.ts';
import { type Case, corpusFolder, isHeldOut, kindOf, pathOf, readCorpus } from './corpus.ts';
import { type Answer, ROWS, type Score, score } from './scorer.ts';

const folder = corpusFolder();
if (folder === null) console.log('The naming corpus (shared/corpora/naming) is not beside this repository: nothing to measure.');
else print(readCorpus(folder), process.argv[2] ?? null);

function print(cases: readonly Case[], row: string | null): void {
  const all = score(cases, answerOf);
  const heldOut = score(cases.filter(isHeldOut), answerOf);
  console.log('fact                 all                 held out');
  for (const name of ROWS) console.log(`${name.padEnd(20)} ${share(all.get(name))} ${share(heldOut.get(name))}`);
  if (row === null) return;
  for (const one of score(
    cases.filter(each => !isHeldOut(each)),
    answerOf,
  ).get(row)?.wrong ?? []) {
    console.log(`${one.id}  ${one.input}\n    wanted ${JSON.stringify(one.wanted)}, got ${JSON.stringify(one.got)}`);
  }
}

function share(of: Score | undefined): string {
  if (of === undefined || of.asked === 0) return '–'.padEnd(19);
  return `${((100 * of.right) / of.asked).toFixed(1).padStart(5)} % (${of.right}/${of.asked})`.padEnd(19);
}

function answerOf(one: Case): Answer {
  if (one.what === 'subtitle') return subtitleOf(one);
  const { title, year, part, extra, episode } = nameFacts(pathOf(one), kindOf(one));
  const { season = null, episodes = [], absolute = [], airDate = null } = episode ?? {};
  return { title, year, part, extra, season, episodes, absolute, airDate };
}

function subtitleOf({ input, video }: Case): Answer {
  const film = video ?? /^.*\]|^[^.]*/.exec(basename(input))?.[0] ?? '';
  const [found] = FolderSidecars.subtitles({ films: [`${film}.mkv`], others: [basename(input)] }).of(`${film}.mkv`);
  if (found === undefined) return {};
  const { language, title, isDefault, isForced, isHearingImpaired } = found;
  return { subtitleLanguage: language, subtitleTitle: title, default: isDefault, forced: isForced, sdh: isHearingImpaired };
}
