// Closed captions within pictures: the playlist names them where the segments carry them, copied and encoded, and says that there are none else.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { carriesCaptions, makeCaptionFilm } from '../support/caption-film.ts';
import { base, Client } from '../support/client.ts';
import { ffmpeg } from '../support/media.ts';
import { startServer, temporaryFolder } from '../support/server.ts';

test('captions', async t => {
  const library = join(await temporaryFolder(t), 'films');
  await mkdir(library);
  await makeCaptionFilm(join(library, 'Captioned.mp4'), 6);
  await ffmpeg(
    '-i',
    join(library, 'Captioned.mp4'),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-g',
    '50',
    '-a53cc',
    '0',
    join(library, 'Plain.mp4'),
  );
  const client = await Client.signIn((await startServer(t, { library })).url);
  const films = await client.media();

  for (const title of ['Captioned', 'Plain'])
    for (const delivery of ['remux', 'transcode']) {
      await t.test(`${title}, ${delivery}: the playlist and the segments say the same`, async () => {
        const film = films.find(one => one.title === title);
        assert.ok(film);
        const session = await client.start(film.id, { delivery });
        const playlist = (await client.bytes(session.streamUrl)).toString();
        const has = title === 'Captioned';
        const group = /#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,.*GROUP-ID="captions".*INSTREAM-ID="CC1"/;
        const variants = playlist.split('\n').filter(line => line.startsWith('#EXT-X-STREAM-INF'));
        assert.equal(group.test(playlist), has);
        for (const line of variants) assert.match(line, has ? /CLOSED-CAPTIONS="captions"/ : /CLOSED-CAPTIONS=NONE/);
        const [rung] = session.ladder;
        assert.ok(rung);
        for (const index of [0, 2]) {
          const segment = await client.bytes(`${base(session)}video/${rung.rung}/${index}.m4s`);
          assert.equal(carriesCaptions(segment), has, `segment ${index}`);
        }
      });
    }
});
