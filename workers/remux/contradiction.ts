// A file whose parts contradict each other leads a reader out of its buffers, or to numbers that no field can hold.
import { FerriteError } from '#domain/errors.ts';

/** Of whatever was thrown while reading a file: what lies out of range is the file's fault, anything else is not known to be. */
export const asUnreadable = (cause: unknown): unknown =>
  cause instanceof RangeError
    ? new FerriteError('MEDIA_UNREADABLE', 'the file is damaged: its index contradicts itself', { cause })
    : cause;
