// The product's session host, with a fault: it stops answering when it is asked for a segment of a viewer at this position.
import host from '../../workers/host.ts';

export const STALLS_AT_MS = 666_666;

type Options = Parameters<typeof host>[0];

export default async function stallingHost(options: Options): Promise<void> {
  const end = host(options);
  // Behind the host's own listener: the request has begun.
  options.port.on('message', message => {
    if (message.kind === 'request' && message.type === 'segment.prepare' && message.input.positionMs === STALLS_AT_MS) for (;;);
  });
  await end;
}
