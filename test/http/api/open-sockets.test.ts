import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenSockets } from '#http/api/open-sockets.ts';

function aSocket() {
  const closed: number[] = [];
  return { closed, send: () => true, close: (code: number) => void closed.push(code) };
}

test('open sockets: the ninth of a session takes the place of its oldest, whose end frees nothing twice', () => {
  const open = new OpenSockets(100);
  const session = { id: 'one', userId: 'anna' };
  const entered = Array.from({ length: 9 }, () => {
    const socket = aSocket();
    return { socket, leave: open.enter(session, socket) };
  });
  assert.deepEqual(
    entered.map(({ socket }) => socket.closed.length),
    [1, 0, 0, 0, 0, 0, 0, 0, 0],
  );
  for (const { leave } of entered) {
    leave();
    leave();
  }
  for (let index = 0; index < 8; index++) open.enter(session, aSocket());
});

test('open sockets: a user has no more than the limit over all sessions, also of those that were let in at once', () => {
  const open = new OpenSockets(3);
  for (let index = 0; index < 5; index++) open.refuseTooMany('anna');
  const sockets = Array.from({ length: 5 }, (_, index) => {
    const socket = aSocket();
    return { socket, leave: open.enter({ id: `session-${index}`, userId: 'anna' }, socket) };
  });
  assert.deepEqual(
    sockets.map(({ socket }) => socket.closed),
    [[], [], [], [1008], [1008]],
  );
  assert.throws(() => open.refuseTooMany('anna'), { code: 'TOO_MANY_REQUESTS' });
  open.refuseTooMany('bert');
  for (const { leave } of sockets) leave();
  open.refuseTooMany('anna');
});
