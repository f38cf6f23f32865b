// What the kernel grants all TCP connections of the machine together: beyond it every connection waits for retransmissions, whoever serves it.
import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4_096;
/** For everybody else's connections. */
const USABLE_PART = 0.9;

/** How many readers that take next to nothing fit, each with a full send buffer and what its own side takes in. */
export function slowReadersThatFit(): number {
  const [pagesWithoutPressure = 0] = numbersOf('/proc/sys/net/ipv4/tcp_mem');
  const [, , sendBytes = 0] = numbersOf('/proc/sys/net/ipv4/tcp_wmem');
  const [, receiveBytes = 0] = numbersOf('/proc/sys/net/ipv4/tcp_rmem');
  return Math.floor((pagesWithoutPressure * PAGE_BYTES * USABLE_PART) / (sendBytes + receiveBytes));
}

/** How often, since the machine started, the kernel has run short of it. */
export function tcpMemoryPressures(): number {
  const [names = [], values = []] = readFileSync('/proc/net/netstat', 'utf8')
    .split('\n')
    .filter(line => line.startsWith('TcpExt:'))
    .map(line => line.split(' '));
  return Number(values[names.indexOf('TCPMemoryPressures')] ?? 0);
}

const numbersOf = (path: string): number[] => readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
