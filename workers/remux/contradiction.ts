// A file whose parts contradict each other leads a reader out of its buffers, or to numbers that no field can hold.
import { FerriteError } from '#domain/errors.ts';

/** Whether an error thrown while reading a file is the file's fault: only a value out of range is known to be. */
export const asUnreadable = (cause: unknown): unknown =>
  cause instanceof RangeError
    ? new FerriteError('MEDIA_UNREADABLE', 'the file is damaged: its index contradicts itself', { cause })
    : cause;
