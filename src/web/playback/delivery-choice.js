// How the stream of a session reaches the video element: as one file (direct play, or HLS by the browser itself), or through hls.js.
import { FileDelivery } from './delivery.js';
import { HlsDelivery } from './hls-delivery.js';

/**
 * @param {HTMLVideoElement} video
 * @param {import('./session.js').PlaybackSession} session
 * @param {'native' | 'mse' | 'none'} hls
 * @param {import('./delivery.js').DeliveryListener} listener
 */
export function createDelivery(video, session, hls, listener) {
  if (session.info.delivery === 'direct' || hls === 'native') return new FileDelivery(video, session, listener);
  return new HlsDelivery(video, session, listener);
}
