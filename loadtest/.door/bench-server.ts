import { App, us_socket_local_port } from 'uWebSockets.js';
import { startServer } from '#http/server.ts';
import { route } from '#http/route.ts';
const small = Buffer.alloc(3000, 'a'), big = Buffer.alloc(1 << 20, 'b');
const headers = { 'Cache-Control': 'private, max-age=3600, immutable' };
const log = { debug() {}, warn() {}, error(f: object, m: string) { console.error(f, m); } };
const mk = (bytes: Buffer) => ({ status: 200, bytes, contentType: 'video/mp4', etag: '"abc-123"', headers });
const s = mk(small), b = mk(big);
const get = (path: string, handler: any) => route({ method: 'GET', path, auth: 'none', summary: '', responses: {}, handler });
const door = await startServer({ host: '127.0.0.1', port: 0, sockets: [], corsOrigins: process.env.CORS ? ['*'] : [], authenticate: () => { throw new Error(); }, log,
  ...(process.env.HOOK ? { onRequest() {} } : {}),
  routes: [get('/stream/:sessionId/:token/small', () => s), get('/stream/:sessionId/:token/big', () => b), get('/stream/:sessionId/:token/*', ({ params }: any) => params.rest === 'x' ? s : { ...s }), get('/file', () => ({status: 200, file: { path: '/tmp/door/big.bin', byteLength: 1 << 20, etag: '"f"', lastModifiedMs: 0, contentType: 'video/mp4' } }))] });
const app = App();
const send = (res: any, bytes: Buffer) => { res.onWritable((o: number) => res.tryEnd(bytes.subarray(o), bytes.length)[0]); res.onAborted(() => {}); res.tryEnd(bytes, bytes.length); };
app.get('/small', res => { res.end(small); });
app.get('/smallh', res => { res.writeHeader('Content-Type', 'video/mp4').writeHeader('Cache-Control', headers['Cache-Control']).writeHeader('ETag', '"abc-123"').end(small); });
app.get('/big', res => send(res, big));
app.get('/cpu', res => { const u = process.cpuUsage(); res.end(String(u.user + u.system)); });
app.listen('127.0.0.1', 0, ls => { console.log(JSON.stringify({ bare: us_socket_local_port(ls as any), door: door.port })); });
