// Words of release names that say how a film was made, not which film it is.
import type { Word } from './tokens.ts';

const list = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** No title has them. */
const CERTAIN = list(
  '4k uhd fhd qhd hdr hdr10 hdr10plus hlg sdr dolbyvision 10bit 10bits 8bit hi10p hi10 ma10p hdlight 4klight ' +
    'x264 x265 h264 h265 avc hevc av1 vp9 xvid divx mpeg2 vc1 hevc10 hdc ' +
    'bluray bluray720p bluray1080p bdrip brrip bdremux bdmv remux webrip webdl webdlrip webcap webhd webtv hdtv hdtvrip tvhdrip pdtv sdtv dsr dsrip satrip hdrip dvdrip ' +
    'dvdscr dvdr dvdr9 dvd5 dvd9 dvdmux hddvd tvrip vhsrip telesync hdts hdcam camrip hdtc ppvrip dvdivx hdtvmux dlmux bluraymux bdmux webmux dvb dvbrip uhdrip vodrip bd25 bd50 bd66 bd100 ' +
    'ac3 ac3d eac3 truehd ddpa dd5 ddp5 ddp2 aac2 dts dtshd dtsx flac he-aac atmos lpcm 2ch 6ch ' +
    'hsbs hou halfsbs halfou sbs ' +
    'repack rerip vostfr subfrench truefrench vff vfq vfi vf2 vof pldub plsub swesub dksub hardsub hardsubs softsub softsubs multisub multisubs ' +
    'multisubs msubs esub esubs engsub amzn dsnp hmax atvp pcok amazonhd ultrahd',
);

/** Of two words, with anything between them. */
const CERTAIN_PAIRS = list(
  'web_dl web_rip web_cap blu_ray h_264 h_265 x_264 x_265 dts_hd dts_x dual_audio multi_audio triple_audio quad_audio dvd_rip bd_rip hd_rip ' +
    'tv_rip hd_tv 10_bit 8_bit hi_10 dolby_vision dolby_atmos hdr_10 true_hd half_sbs half_ou full_sbs high_bitrate multiple_subtitle ' +
    'multi_subs multi_sub',
);

/** Words of titles too: they count behind a year, in brackets, and before what counts. */
const AMBIGUOUS = list(
  'web cam ts tc dvd bd hd sd ws fs dd ddp dv ma hq lq scr screener ntsc pal vhs mp3 aac opus multi dual proper internal limited complete incomplete ' +
    'retail uncensored dubbed dub subbed sub subs nf hulu cr itunes 3d ou hc batch read nfo real custom oar festival nordic lektor dubbing mkv mp4 avi ' +
    'dsp restored vod line vo vf ov ita eng ger fre fra spa esp rus ukr jpn jap kor chi pol por hun cze dan swe nor fin dut hin tam tel ' +
    'english german french italian spanish castellano latino russian japanese korean chinese polish portuguese dutch swedish danish norwegian finnish ' +
    'czech hungarian turkish hindi tamil telugu arabic hebrew greek flemish ukrainian truefrench deutsch ml dl',
);

const DISCS = list('dvd bd');

const PATTERNS: readonly RegExp[] = [
  /^\d{3,4}[ip]\d{0,3}$/,
  /^\d{3,4}x\d{3,4}p?$/,
  /^(?:aac|ac3|eac3|ddp?a?|dts|flac|opus|truehd)x?\d$/,
  /^\d{2,3}fps$/,
  /^\d+sec$/,
  /^\d{1,4}[mgt]b$/,
  /^\d{2,4}kbps$/,
  /^dvdr?\d$/,
  /^(?:web|bd|bluray|hdtv|dvd)\d{3,4}p$/,
];

const isCertainWord = ({ text }: Word): boolean => CERTAIN.has(text) || PATTERNS.some(pattern => pattern.test(text));

export const isAmbiguous = ({ text }: Word): boolean => AMBIGUOUS.has(text);

export function isRelease(words: readonly Word[], at: number): boolean {
  const [word, next] = [words[at], words[at + 1]];
  if (word === undefined) return false;
  return isCertainWord(word) || (next !== undefined && CERTAIN_PAIRS.has(`${word.text}_${next.text}`) && next.gap.length < 2);
}

/** The first word from which on nothing is of the title; as many as there are where all are. */
export function releaseStart(words: readonly Word[], from = 1): number {
  for (let at = from; at < words.length; at++) {
    if (isRelease(words, at)) return at;
    if (isAmbiguous(words[at] as Word) && leadsToRelease(words, at)) return at;
    // `Title.dvd`: what a disc is kept as.
    if (at === words.length - 1 && words[at]?.gap === '.' && DISCS.has(words[at]?.text ?? '')) return at;
  }
  return words.length;
}

/** Words that may be of the title are not where they stand in brackets of their own, or only such stand before one that is not. */
function leadsToRelease(words: readonly Word[], from: number): boolean {
  if (/[([{]\s*$/.test(words[from]?.gap ?? '')) return true;
  let at = from;
  while (at < words.length && isAmbiguous(words[at] as Word)) at++;
  return isRelease(words, at);
}
