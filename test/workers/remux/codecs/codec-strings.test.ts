import assert from 'node:assert/strict';
import { test } from 'node:test';
import { box, descriptor, fullBox } from '#workers/bmff/boxes.ts';
import { codecStringOf } from '#workers/remux/codecs/codec-strings.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const video = (format: string, ...children: Buffer[]): Buffer => box(format, Buffer.alloc(78), ...children);
const audio = (format: string, ...children: Buffer[]): Buffer => box(format, Buffer.alloc(28), ...children);

const esds = (objectType: number, ...specific: Buffer[]): Buffer => {
  const config = descriptor(0x04, Buffer.of(objectType, 0x15), Buffer.alloc(11), ...specific);
  return fullBox('esds', 0, 0, descriptor(0x03, Buffer.alloc(3), config, descriptor(0x06, Buffer.of(2))));
};

const HVCC = box('hvcC', hex('01 01 60000000 900000000000 5d'), Buffer.alloc(10));
const AV1C = box('av1C', hex('81 04 0c 00'));

const EXPECTED: readonly [string, Buffer, string | null][] = [
  ['H.264 high', video('avc1', box('avcC', hex('01 64 00 28 ff'))), 'avc1.640028'],
  ['H.264 with sets in band', video('avc3', box('avcC', hex('01 4d 40 1f ff'))), 'avc3.4d401f'],
  ['HEVC main', video('hvc1', HVCC), 'hvc1.1.6.L93.90'],
  [
    'HEVC main 10, high tier',
    video('hev1', box('hvcC', hex('01 22 20000000 b00000000100 99'), Buffer.alloc(10))),
    'hev1.2.4.H153.B0.0.0.0.1',
  ],
  ['VP9', video('vp09', fullBox('vpcC', 1, 0, hex('00 0a 82 020202 0000'))), 'vp09.00.10.08'],
  ['VP9 of no level', video('vp09', fullBox('vpcC', 1, 0, hex('00 00 82 020202 0000'))), null],
  ['AV1', video('av01', AV1C), 'av01.0.04M.08'],
  ['AV1, ten bits, high tier', video('av01', box('av1C', hex('81 0d cc 00'))), 'av01.0.13H.10'],
  ['AAC-LC', audio('mp4a', esds(0x40, descriptor(0x05, hex('1190')))), 'mp4a.40.2'],
  ['HE-AAC', audio('mp4a', esds(0x40, descriptor(0x05, hex('2b8a0800')))), 'mp4a.40.5'],
  ['xHE-AAC, an escaped object type', audio('mp4a', esds(0x40, descriptor(0x05, hex('f940')))), 'mp4a.40.42'],
  ['MP3', audio('mp4a', esds(0x6b)), 'mp4a.6B'],
  ['AAC without its configuration', audio('mp4a', esds(0x40)), null],
  ['DTS in mp4a', audio('mp4a', esds(0xa9)), null],
  ['AC-3', audio('ac-3', box('dac3', hex('10 3d 40'))), 'ac-3'],
  ['E-AC-3', audio('ec-3', box('dec3', hex('07c0 20 0f 00'))), 'ec-3'],
  ['Opus', audio('Opus', box('dOps', Buffer.alloc(11))), 'Opus'],
  ['FLAC', audio('fLaC', fullBox('dfLa', 0, 0, Buffer.alloc(38))), 'fLaC'],
  ['ALAC', audio('alac', fullBox('alac', 0, 0, Buffer.alloc(24))), null],
  ['a record that is missing', video('avc1'), null],
  ['a record that is cut off', video('hvc1', box('hvcC', hex('01 01 60'))), null],
  ['an encrypted entry', video('encv', AV1C), null],
  ['an entry without its fields', box('avc1'), null],
];

for (const [name, entry, expected] of EXPECTED) {
  test(`codec strings: ${name} is ${expected ?? 'not told'}`, () => assert.equal(codecStringOf(entry), expected));
}
