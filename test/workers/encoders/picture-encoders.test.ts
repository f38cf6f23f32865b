// What each encoder is told, as a table; and against the ffmpeg of this machine, where it has the encoder: each option is one of its own, each
// word one of its names. What is none of them ffmpeg takes for a number, or not at all.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execa } from 'execa';
import type { EncoderName } from '#domain/encoders.ts';
import type { VideoEncode } from '#domain/rendition.ts';
import { encoderWords } from '#workers/encoders/picture-encoders.ts';

const RATE = '-b:v 800000 -maxrate 1000000 -bufsize 2000000 -bf 0 -g 30000';
const H264 = 'avc3.640028';
const HEVC = 'hvc1.1.6.L120.90';
const AV1 = 'av01.0.08M.08';

/** The encoder, the codec string of level 4.0, and what it is told between its name and the rate. */
const TABLE: readonly (readonly [name: EncoderName, codecs: string, own: string, tag?: string])[] = [
  ['h264_vaapi', H264, '-rc_mode VBR -profile:v high -level:v 4'],
  ['hevc_vaapi', HEVC, '-rc_mode VBR -profile:v main -level:v 4', '-tag:v hvc1'],
  ['av1_vaapi', AV1, '-rc_mode VBR'],
  ['h264_qsv', H264, '-preset veryfast -forced_idr 1 -profile:v high'],
  ['hevc_qsv', HEVC, '-preset veryfast -forced_idr 1 -profile:v main', '-tag:v hvc1'],
  ['av1_qsv', AV1, '-preset veryfast -forced_idr 1'],
  ['h264_nvenc', H264, '-preset p4 -rc vbr -forced-idr 1 -no-scenecut 1 -rc-lookahead 0 -delay 0 -profile:v high'],
  ['hevc_nvenc', HEVC, '-preset p4 -rc vbr -forced-idr 1 -no-scenecut 1 -rc-lookahead 0 -delay 0 -profile:v main', '-tag:v hvc1'],
  ['av1_nvenc', AV1, '-preset p4 -rc vbr -forced-idr 1 -no-scenecut 1 -rc-lookahead 0 -delay 0'],
  ['h264_amf', H264, '-usage transcoding -quality balanced -rc vbr_peak -profile:v high -level:v 4.0'],
  ['hevc_amf', HEVC, '-usage transcoding -quality balanced -rc vbr_peak -profile:v main -level:v 4.0', '-tag:v hvc1'],
  ['av1_amf', AV1, '-usage transcoding -quality balanced -rc vbr_peak'],
  ['h264_videotoolbox', H264, '-allow_sw 0 -profile:v high -level:v 4.0'],
  ['h264_videotoolbox', 'avc3.640015', '-allow_sw 0 -profile:v high'],
  ['hevc_videotoolbox', HEVC, '-allow_sw 0 -profile:v main', '-tag:v hvc1'],
  ['h264_v4l2m2m', H264, ''],
  ['hevc_v4l2m2m', HEVC, '', '-tag:v hvc1'],
  ['h264_rkmpp', H264, '-level:v 4'],
  ['hevc_rkmpp', HEVC, '-level:v 4', '-tag:v hvc1'],
];

const rung = (encoder: EncoderName, codecs: string): VideoEncode => ({
  ...{ kind: 'video-encode', rungId: '1080p', streamIndex: 0, width: 1920, height: 1080, preset: 'superfast' },
  ...{ frameRate: { num: 24, den: 1 }, maxBitrateBps: 1_000_000, bandwidthBps: 2_000_000, codecs, encoder },
});

for (const [name, codecs, own, tag = ''] of TABLE) {
  test(`${name} of ${codecs} is told its own names`, () => {
    const { encoder } = encoderWords(rung(name, codecs), 2_000_000);
    assert.equal(encoder.join(' '), ['-c:v', name, own, RATE, tag].filter(part => part !== '').join(' '));
  });
}

test('each device is told before the input, and its pictures come in the memory that it takes', () => {
  const around = (encoder: EncoderName, device?: string) => {
    const { before, filters } = encoderWords({ ...rung(encoder, H264), ...(device === undefined ? {} : { device }) }, 1);
    return [before.join(' '), filters.join(',')];
  };
  const upload = 'format=nv12,hwupload';
  assert.deepEqual(around('h264_vaapi', '/dev/dri/renderD129'), [
    '-init_hw_device vaapi=gpu:/dev/dri/renderD129 -filter_hw_device gpu',
    upload,
  ]);
  assert.deepEqual(around('h264_vaapi'), ['-init_hw_device vaapi=gpu -filter_hw_device gpu', upload]);
  assert.deepEqual(around('h264_qsv'), ['-init_hw_device qsv=gpu', 'format=nv12']);
  for (const kind of ['nvenc', 'amf', 'videotoolbox', 'v4l2m2m', 'rkmpp'] as const)
    assert.deepEqual(around(`h264_${kind}`), ['', 'format=nv12']);
});

/** Options of every encoder, which `-h encoder=` does not list. */
const COMMON = new Set(['c', 'b', 'maxrate', 'bufsize', 'bf', 'g', 'tag']);

test('what is told is known to the encoders that this ffmpeg has', async () => {
  const { stdout: listed } = await execa('ffmpeg', ['-hide_banner', '-encoders']);
  const here = TABLE.filter(([name]) => listed.includes(` ${name} `));
  for (const [name, codecs] of here) {
    const { stdout: help } = await execa('ffmpeg', ['-hide_banner', '-h', `encoder=${name}`]);
    const { encoder } = encoderWords(rung(name, codecs), 2_000_000);
    for (let at = 0; at < encoder.length; at += 2) {
      const [option = '', value = ''] = [encoder[at]?.slice(1).replace(/:v$/, ''), encoder[at + 1]];
      if (COMMON.has(option)) continue;
      const found = new RegExp(`^ {2}-${option} +<(\\w+)>.*\\n((?: {5}\\S.*\\n)*)`, 'm').exec(`${help}\n`);
      assert.ok(found, `${name} has no -${option}`);
      const names = (found[2] ?? '').split('\n').map(line => line.trim().split(/\s+/)[0]);
      if (found[1] === 'int' && (found[2] ?? '') !== '') assert.ok(names.includes(value), `${name}: ${value} is no ${option}`);
    }
  }
});
