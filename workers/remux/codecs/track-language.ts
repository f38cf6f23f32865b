// ISO 639-2 has two codes for twenty languages: Matroska writes the bibliographic one, MP4 the terminological one.
const TERMINOLOGY_CODES: Readonly<Record<string, string>> = {
  alb: 'sqi',
  arm: 'hye',
  baq: 'eus',
  bur: 'mya',
  chi: 'zho',
  cze: 'ces',
  dut: 'nld',
  fre: 'fra',
  geo: 'kat',
  ger: 'deu',
  gre: 'ell',
  ice: 'isl',
  mac: 'mkd',
  mao: 'mri',
  may: 'msa',
  per: 'fas',
  rum: 'ron',
  slo: 'slk',
  tib: 'bod',
  wel: 'cym',
};

export const terminologyCode = (language: string): string => TERMINOLOGY_CODES[language] ?? language;
