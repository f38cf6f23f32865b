# GStreamer's own player (playbin3), driven by lines of JSON: its sinks are ours, so that what it shows and plays can be looked at.
import base64
import json
import sys
import threading
import time

import gi

gi.require_version('Gst', '1.0')
from gi.repository import Gst  # noqa: E402

WIDTH, HEIGHT, COLUMNS, ROWS = 320, 180, 16, 9
RATE, WINDOW, HALF_FRAME_S, LOOKS = 48000, 4096, 1 / 48, 5

Gst.init(None)
player = Gst.ElementFactory.make('playbin3')
lock = threading.Lock()
seen = {'pictures': [], 'sound': b'', 'soundEndS': 0.0, 'texts': [], 'count': 0}
streams = {'video': [], 'audio': [], 'text': []}
chosen = {'audio': 0, 'text': None}


def sink(description, handler, is_awaited='true'):
    bin_ = Gst.parse_bin_from_description(description + ' ! appsink name=sink sync=true emit-signals=true max-buffers=2 async=' + is_awaited, True)
    bin_.get_by_name('sink').connect('new-sample', handler)
    bin_.get_by_name('sink').connect('new-preroll', lambda _: Gst.FlowReturn.OK)
    return bin_


def stream_time_s(sample):
    return sample.get_segment().to_stream_time(Gst.Format.TIME, sample.get_buffer().pts) / Gst.SECOND


def bytes_of(sample):
    buffer = sample.get_buffer()
    return buffer.extract_dup(0, buffer.get_size())


def squares_of(gray):
    row = int(HEIGHT / ROWS / 2)
    return [gray[row * WIDTH + int((column + 0.5) * WIDTH / COLUMNS)] for column in range(COLUMNS)]


def on_picture(appsink):
    sample = appsink.emit('pull-sample')
    with lock:
        seen['count'] += 1
        seen['pictures'] = (seen['pictures'] + [(stream_time_s(sample), squares_of(bytes_of(sample)))])[-LOOKS:]
    return Gst.FlowReturn.OK


def on_sound(appsink):
    sample = appsink.emit('pull-sample')
    data = bytes_of(sample)
    with lock:
        from_s = stream_time_s(sample)
        # A seek, or a hole: what comes is no continuation.
        if abs(from_s - seen['soundEndS']) > 0.002:
            seen['sound'] = b''
        seen['sound'] = (seen['sound'] + data)[-WINDOW * 2 :]
        seen['soundEndS'] = from_s + len(data) / 2 / RATE
    return Gst.FlowReturn.OK


def on_text(appsink):
    sample = appsink.emit('pull-sample')
    from_s = stream_time_s(sample)
    with lock:
        text = bytes_of(sample).decode('utf-8', 'replace').strip('\0\n ')
        seen['texts'] = [(from_s, from_s + sample.get_buffer().duration / Gst.SECOND, text)] + seen['texts'][:3]
    return Gst.FlowReturn.OK


player.set_property('video-sink', sink(f'videoconvert ! videoscale ! video/x-raw,format=GRAY8,width={WIDTH},height={HEIGHT}', on_picture))
player.set_property('audio-sink', sink(f'audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate={RATE},channels=1', on_sound))
player.set_property('text-sink', sink('capsfilter caps=text/x-raw', on_text, 'false'))


def position_s():
    found, position = player.query_position(Gst.Format.TIME)
    return position / Gst.SECOND if found else -1.0


def read_bus(wait_s=0.0):
    """Fails when the player has; notes whether it has arrived where it was sent."""
    message = player.get_bus().timed_pop(int(wait_s * Gst.SECOND))
    while message:
        if message.type == Gst.MessageType.ERROR:
            error, detail = message.parse_error()
            raise RuntimeError(f'{error.message} ({(detail or "").splitlines()[-1:]})')
        if message.type == Gst.MessageType.ASYNC_DONE:
            wanted['arrived'] = True
        if message.type == Gst.MessageType.BUFFERING and not wanted['paused']:
            full = message.parse_buffering() == 100
            player.set_state(Gst.State.PLAYING if full else Gst.State.PAUSED)
        if message.type == Gst.MessageType.STREAM_COLLECTION:
            note(message.parse_stream_collection())
        message = player.get_bus().timed_pop(0)


wanted = {'paused': False, 'arrived': False}


def note(collection):
    for kind, flag in (('video', Gst.StreamType.VIDEO), ('audio', Gst.StreamType.AUDIO), ('text', Gst.StreamType.TEXT)):
        found = [collection.get_stream(at) for at in range(collection.get_size())]
        streams[kind] = [stream.get_stream_id() for stream in found if stream.get_stream_type() & flag]


def until(is_so, what, deadline_s):
    ends = time.monotonic() + deadline_s
    while not is_so():
        if time.monotonic() > ends:
            raise RuntimeError(f'{what}: not within {deadline_s} s')
        read_bus(0.02)


def forget():
    wanted['arrived'] = False
    with lock:
        seen.update(pictures=[], sound=b'', texts=[])


def runs(deadline_s):
    """The clock moves, pictures come and the window of sound is full."""
    until(lambda: len(seen['pictures']) >= LOOKS and len(seen['sound']) >= WINDOW * 2, 'the film runs', deadline_s)


def open_(url, startS, deadlineS, **_):
    player.set_state(Gst.State.NULL)
    forget()
    wanted['paused'] = False
    player.set_property('uri', url)
    player.set_state(Gst.State.PAUSED)
    until(lambda: wanted['arrived'], 'the first picture', deadlineS)
    if startS > 0:
        forget()
        player.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, int(startS * Gst.SECOND))
        until(lambda: wanted['arrived'], 'the first picture', deadlineS)
    player.set_state(Gst.State.PLAYING)
    until(lambda: seen['count'] > 0, 'the first picture', deadlineS)


def seek(positions, intervalMs, deadlineS, **_):
    for at, position in enumerate(positions):
        if at > 0:
            ends = time.monotonic() + intervalMs / 1000
            while time.monotonic() < ends:
                read_bus(0.02)
        forget()
        player.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, int(position * Gst.SECOND))
    until(lambda: wanted['arrived'] or seen['pictures'], f'the seek to {positions[-1]}', deadlineS)
    player.set_state(Gst.State.PLAYING)
    until(lambda: abs(position_s() - positions[-1]) < 3, f'the seek to {positions[-1]}', deadlineS)


def look(deadlineS, **_):
    # What lies in the sinks from before a switch is not of now.
    with lock:
        seen['pictures'] = []
    runs(deadlineS)
    sounds = []
    for _ in range(LOOKS):
        read_bus(0.06)
        with lock:
            if len(seen['sound']) >= WINDOW * 2:
                middle_s = seen['soundEndS'] - WINDOW / 2 / RATE
                sounds.append({'clockS': middle_s, 'samples': base64.b64encode(seen['sound']).decode()})
    with lock:
        pictures = [{'clockS': at + HALF_FRAME_S, 'squares': squares} for at, squares in seen['pictures']]
    return {'pictures': pictures, 'sounds': sounds}


def pause(**_):
    wanted['paused'] = True
    player.set_state(Gst.State.PAUSED)
    read_bus(0.2)


def play(**_):
    wanted['paused'] = False
    player.set_state(Gst.State.PLAYING)


def clock(**_):
    read_bus()
    return {'clockS': position_s()}


def select():
    ids = streams['video'][:1] + streams['audio'][chosen['audio'] : chosen['audio'] + 1]
    if chosen['text'] is not None:
        ids += streams['text'][chosen['text'] : chosen['text'] + 1]
    player.send_event(Gst.Event.new_select_streams(ids))


def choose_audio(index, **_):
    read_bus()
    if index >= len(streams['audio']):
        raise RuntimeError(f'the player shows {len(streams["audio"])} sounds')
    chosen['audio'] = index
    select()


def choose_text(index, **_):
    read_bus()
    if index >= len(streams['text']):
        raise RuntimeError(f'the player shows {len(streams["text"])} texts')
    chosen['text'] = index
    select()


def texts(**_):
    read_bus(0.02)
    now = position_s()
    with lock:
        return {'clockS': now, 'texts': [text for from_s, to_s, text in seen['texts'] if from_s <= now < to_s]}


def close(**_):
    player.set_state(Gst.State.NULL)
    chosen.update(audio=0, text=None)


COMMANDS = {
    'open': open_,
    'seek': seek,
    'look': look,
    'pause': pause,
    'play': play,
    'clock': clock,
    'chooseAudio': choose_audio,
    'chooseText': choose_text,
    'texts': texts,
    'close': close,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {'answer': COMMANDS[request.pop('name')](**request)}
    except Exception as error:  # What goes wrong is an answer: the runner decides.
        reply = {'error': str(error)}
    print(json.dumps(reply), flush=True)
