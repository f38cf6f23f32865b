// A film that nobody can show without its key.
import { FerriteError } from '#domain/errors.ts';

/** Final: ffmpeg would open such a file and take its noise for pictures. */
export class EncryptedFilm extends FerriteError {
  constructor() {
    super('MEDIA_UNREADABLE', 'the film is encrypted');
  }
}
