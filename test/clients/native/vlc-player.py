# VLC (libvlc), driven by lines of JSON: pictures and sounds are handed to us when they are due.
# The clock that it tells is coarse, so the sound is held against the picture that stands at that moment.
import base64
import ctypes
import json
import statistics
import sys
import threading
import time

WIDTH, HEIGHT, COLUMNS, ROWS = 320, 180, 16, 9
RATE, WINDOW, FRAME_RATE, LOOKS = 48000, 4096, 24, 8

vlc = ctypes.CDLL('libvlc.so.5')
for name in ('libvlc_new', 'libvlc_media_new_location', 'libvlc_media_new_path', 'libvlc_media_player_new', 'libvlc_audio_get_track_description', 'libvlc_video_get_spu_description'):
    getattr(vlc, name).restype = ctypes.c_void_p
vlc.libvlc_media_player_get_time.restype = ctypes.c_int64
vlc.libvlc_clock.restype = ctypes.c_int64

LOCK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
UNLOCK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
DISPLAY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
PLAY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int64)
WHEN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
DRAIN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

plane = ctypes.create_string_buffer(WIDTH * HEIGHT)
lock = threading.Lock()
# By the machine's clock in microseconds: pictures as they are shown, sounds when they are to be heard, the player's own clock as it steps.
seen = {'pictures': [], 'sounds': [], 'step': (0, -1)}


class Track(ctypes.Structure):
    pass


Track._fields_ = [('id', ctypes.c_int), ('name', ctypes.c_char_p), ('next', ctypes.POINTER(Track))]


@LOCK
def on_lock(_, planes):
    planes[0] = ctypes.addressof(plane)
    return None


@UNLOCK
def on_unlock(*_):
    pass


@DISPLAY
def on_display(*_):
    row = int(HEIGHT / ROWS / 2)
    squares = [plane.raw[row * WIDTH + int((column + 0.5) * WIDTH / COLUMNS)] for column in range(COLUMNS)]
    with lock:
        seen['pictures'] = (seen['pictures'] + [(vlc.libvlc_clock(), squares)])[-24:]


@PLAY
def on_sound(_, samples, count, pts):
    data = ctypes.string_at(samples, count * 2)
    with lock:
        seen['sounds'] = (seen['sounds'] + [(pts, data)])[-100:]


@WHEN
def on_flush(*_):
    with lock:
        seen['sounds'] = []


@WHEN
def on_hold(*_):
    pass


@DRAIN
def on_drain(*_):
    pass


arguments = [b'--quiet', b'--no-xlib', b'--no-video-title-show', b'--avcodec-hw=none', b'--no-stats', b'--no-interact']
instance = ctypes.c_void_p(vlc.libvlc_new(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments)))
player = ctypes.c_void_p(vlc.libvlc_media_player_new(instance))
vlc.libvlc_video_set_callbacks(player, on_lock, on_unlock, on_display, None)
vlc.libvlc_video_set_format(player, b'GREY', WIDTH, HEIGHT, WIDTH)
vlc.libvlc_audio_set_callbacks(player, on_sound, on_hold, on_hold, on_flush, on_drain, None)
vlc.libvlc_audio_set_format(player, b'S16N', RATE, 1)


def time_s():
    return vlc.libvlc_media_player_get_time(player) / 1000


def now_us():
    return vlc.libvlc_clock()


def watch_clock():
    last = -1
    while True:
        told = vlc.libvlc_media_player_get_time(player)
        if told != last:
            last = told
            with lock:
                seen['step'] = (now_us(), told / 1000)
        time.sleep(0.01)


def until(is_so, what, deadline_s):
    ends = time.monotonic() + deadline_s
    while not is_so():
        # 6: ended, 7: an error.
        if vlc.libvlc_media_player_get_state(player) == 7:
            raise RuntimeError('VLC tells an error')
        if time.monotonic() > ends:
            raise RuntimeError(f'{what}: not within {deadline_s} s')
        time.sleep(0.01)


def forget():
    with lock:
        seen.update(pictures=[], step=(0, -1))


def open_(url, startS, deadlineS, **_):
    forget()
    media = ctypes.c_void_p(vlc.libvlc_media_new_location(instance, url.encode()))
    if startS > 0:
        vlc.libvlc_media_add_option(media, f':start-time={startS}'.encode())
    vlc.libvlc_media_player_set_media(player, media)
    vlc.libvlc_media_release(media)
    if vlc.libvlc_media_player_play(player) != 0:
        raise RuntimeError('VLC does not play')
    until(lambda: len(seen['pictures']) > 0, 'the first picture', deadlineS)


def seek(positions, intervalMs, deadlineS, **_):
    for at, position in enumerate(positions):
        if at > 0:
            time.sleep(intervalMs / 1000)
        vlc.libvlc_media_player_set_time(player, ctypes.c_int64(int(position * 1000)))
    forget()
    target = positions[-1]
    # It tells the target as its time at once, and goes on with what it has: only pictures say that it has come there.
    until(lambda: abs(shown_s() - target) < 5, f'the seek to {target}', deadlineS)


def number_of(squares):
    return sum(2**bit for bit in range(12) if squares[bit] > 128)


def shown_s():
    with lock:
        return number_of(seen['pictures'][-1][1]) / FRAME_RATE if seen['pictures'] else -100


def look(deadlineS, **_):
    forget()
    until(lambda: len(seen['pictures']) >= LOOKS + 8 and seen['step'][1] >= 0, 'pictures come', deadlineS)
    with lock:
        pictures, sounds, (at_us, told_s) = list(seen['pictures'][-LOOKS:]), list(seen['sounds']), seen['step']
    numbers = [number_of(squares) for _, squares in pictures]
    # The moment at which the film was at its beginning, were it never stopped.
    origin_us = statistics.median(at - number / FRAME_RATE * 1e6 for (at, _), number in zip(pictures, numbers))
    shown = [{'clockS': told_s + (at - at_us) / 1e6, 'squares': squares} for at, squares in pictures]
    heard = []
    run, begins_us = b'', None
    for pts, data in sounds:
        if begins_us is None or abs(begins_us + len(run) / 2 / RATE * 1e6 - pts) > 20000:
            run, begins_us = b'', pts
        run += data
        while len(run) >= WINDOW * 2:
            middle_us = begins_us + WINDOW / 2 / RATE * 1e6
            heard.append({'clockS': (middle_us - origin_us) / 1e6, 'samples': base64.b64encode(run[: WINDOW * 2]).decode(), 'at': middle_us})
            run, begins_us = run[WINDOW * 2 :], begins_us + WINDOW / RATE * 1e6
    # Those that are heard beside the pictures.
    near = [one for one in heard if pictures[0][0] - 200000 <= one['at'] <= pictures[-1][0] + 200000]
    return {'pictures': shown, 'sounds': near[-5:]}


def pause(**_):
    vlc.libvlc_media_player_set_pause(player, 1)


def play(**_):
    vlc.libvlc_media_player_set_pause(player, 0)


def clock(**_):
    return {'clockS': time_s()}


def ids_of(description):
    track = ctypes.cast(description, ctypes.POINTER(Track))
    ids = []
    while track:
        if track.contents.id >= 0:
            ids.append(track.contents.id)
        track = track.contents.next
    return ids


def choose_audio(index, **_):
    ids = ids_of(vlc.libvlc_audio_get_track_description(player))
    if index >= len(ids):
        raise RuntimeError(f'the player shows {len(ids)} sounds')
    vlc.libvlc_audio_set_track(player, ids[index])


def close(**_):
    vlc.libvlc_media_player_stop(player)


threading.Thread(target=watch_clock, daemon=True).start()
COMMANDS = {
    'open': open_,
    'seek': seek,
    'look': look,
    'pause': pause,
    'play': play,
    'clock': clock,
    'chooseAudio': choose_audio,
    'close': close,
}

for line in sys.stdin:
    request = json.loads(line)
    try:
        reply = {'answer': COMMANDS[request.pop('name')](**request)}
    except Exception as error:  # What goes wrong is an answer: the runner decides.
        reply = {'error': str(error)}
    print(json.dumps(reply), flush=True)
