// The end of an episode, on a simulated clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as xstate from 'xstate';
import { COUNTDOWN_S, createNextEpisodeMachine, MAX_UNSEEN } from '#src/web/next-episode/next-episode-machine.js';

function start(wentOn = 0) {
  const clock = new xstate.SimulatedClock();
  const actor = xstate.createActor(createNextEpisodeMachine(xstate), { input: { wentOn }, clock }).start();
  const seconds = (count: number) => {
    for (let second = 0; second < count; second++) clock.increment(1_000);
  };
  const state = () => actor.getSnapshot().value;
  return { actor, seconds, state, context: () => actor.getSnapshot().context };
}

test('the next episode begins when the countdown is over, not a second sooner', () => {
  const { actor, seconds, state, context } = start();
  actor.send({ type: 'episode.ended' });
  seconds(COUNTDOWN_S - 1);
  assert.deepEqual([state(), context().secondsLeft], ['counting', 1]);
  seconds(1);
  assert.deepEqual([state(), context().wentOn], ['going', 1]);
});

test('a countdown that is cancelled, or left by a seek, leads nowhere; the whole of it comes again at the next end', () => {
  for (const type of ['person.cancels', 'episode.resumed'] as const) {
    const { actor, seconds, state, context } = start();
    actor.send({ type: 'episode.ended' });
    seconds(4);
    actor.send({ type });
    seconds(COUNTDOWN_S * 2);
    assert.notEqual(state(), 'going', type);
    actor.send({ type: 'episode.resumed' });
    actor.send({ type: 'episode.ended' });
    assert.deepEqual([state(), context().secondsLeft], ['counting', COUNTDOWN_S], type);
  }
});

test('the credits offer the next episode, and only their end begins to count', () => {
  const { actor, seconds, state } = start();
  actor.send({ type: 'credits.begun' });
  seconds(COUNTDOWN_S * 2);
  assert.equal(state(), 'offered');
  actor.send({ type: 'person.cancels' });
  actor.send({ type: 'credits.begun' });
  assert.equal(state(), 'dismissed');
});

test('after some episodes without a sign of life nothing begins by itself, and a sign counts anew', () => {
  const asked = start(MAX_UNSEEN);
  asked.actor.send({ type: 'episode.ended' });
  asked.seconds(3_600);
  assert.equal(asked.state(), 'asking');
  asked.actor.send({ type: 'person.goes' });
  assert.deepEqual([asked.state(), asked.context().wentOn], ['going', 0]);
  const seen = start(MAX_UNSEEN);
  seen.actor.send({ type: 'person.acted' });
  seen.actor.send({ type: 'episode.ended' });
  assert.equal(seen.state(), 'counting');
});
