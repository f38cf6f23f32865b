// A page with nothing but a player: the browser's own, hls.js or Shaka, driven from outside and looked at picture by picture.
// Everything it answers is plain data.
(() => {
  const COLUMNS = 16;
  const ROWS = 9;
  const WINDOW = 4096;
  const STANDSTILL_MS = 1000;
  const HALF_FRAME_S = 1 / 48;
  const canvas = document.createElement('canvas');
  canvas.width = COLUMNS * 20;
  canvas.height = ROWS * 20;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const audio = new AudioContext({ sampleRate: 48000 });
  const analyser = audio.createAnalyser();
  analyser.fftSize = WINDOW;
  const silence = audio.createGain();
  silence.gain.value = 0;
  analyser.connect(silence).connect(audio.destination);

  let video = null;
  let engine = null;
  let failure = null;
  const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
  const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve));

  function fail(what) {
    failure ??= String(what);
  }

  async function until(isSo, what, deadlineMs) {
    const endsAt = performance.now() + deadlineMs;
    while (!isSo()) {
      if (failure) throw new Error(failure);
      if (performance.now() > endsAt) throw new Error(`${what}: not within ${deadlineMs / 1000} s`);
      await pause(10);
    }
  }

  /** Its promise stays open for as long as there is nothing to play. */
  async function plays(deadlineMs) {
    let failed = null;
    let isPlaying = false;
    video.play().then(
      () => (isPlaying = true),
      error => (failed = error),
    );
    await until(() => isPlaying || failed, 'the film plays', deadlineMs);
    if (failed) throw failed;
  }

  /** A graph that begins after the film would hold it up by as much. */
  async function runGraph(deadlineMs) {
    await audio.resume();
    const began = audio.currentTime;
    await until(() => audio.currentTime > began + 0.2, 'the graph of sound runs', deadlineMs);
  }

  const engines = {
    native: {
      open(url) {
        video.src = url;
      },
      chooseAudio(index) {
        if (!(video.audioTracks?.length > index)) throw new Error(`the player shows ${video.audioTracks?.length ?? 'no'} audio tracks`);
        for (let at = 0; at < video.audioTracks.length; at++) video.audioTracks[at].enabled = at === index;
      },
      chooseText(index) {
        if (!(video.textTracks.length > index)) throw new Error(`the player shows ${video.textTracks.length} text tracks`);
        for (let at = 0; at < video.textTracks.length; at++) video.textTracks[at].mode = at === index ? 'showing' : 'disabled';
      },
      close() {},
    },
    hls: {
      open(url, startS) {
        const hls = new Hls({ startPosition: startS, maxBufferLength: 12, enableWorker: true });
        hls.on(
          Hls.Events.ERROR,
          (_, { fatal, type, details, error }) => fatal && fail(`hls.js: ${type} ${details} ${error?.message ?? ''}`),
        );
        hls.loadSource(url);
        hls.attachMedia(video);
        this.hls = hls;
      },
      chooseAudio(index) {
        if (!(this.hls.audioTracks.length > index)) throw new Error(`hls.js shows ${this.hls.audioTracks.length} audio tracks`);
        this.hls.audioTrack = index;
      },
      chooseText(index) {
        if (!(this.hls.subtitleTracks.length > index)) throw new Error(`hls.js shows ${this.hls.subtitleTracks.length} text tracks`);
        this.hls.subtitleDisplay = true;
        this.hls.subtitleTrack = index;
      },
      close() {
        this.hls?.destroy();
        this.hls = null;
      },
    },
    shaka: {
      async open(url, startS) {
        shaka.polyfill.installAll();
        const player = new shaka.Player();
        this.player = player;
        player.addEventListener(
          'error',
          ({ detail }) => detail.severity === 2 && fail(`Shaka: ${detail.code} ${JSON.stringify(detail.data).slice(0, 200)}`),
        );
        await player.attach(video);
        // The first picture is waited for, to a deadline: a load that hangs is none.
        player
          .load(url, startS === 0 ? undefined : startS)
          .catch(error => fail(`Shaka: ${error.code ?? error} ${JSON.stringify(error.data ?? '').slice(0, 200)}`));
      },
      chooseAudio(index) {
        const tracks = this.player.getAudioTracks();
        const wanted = tracks.filter(({ language }) => language === (index === 0 ? 'en' : 'de'))[0];
        if (!wanted) throw new Error(`Shaka shows audio tracks in ${tracks.map(({ language }) => language).join(', ') || 'no language'}`);
        this.player.selectAudioTrack(wanted);
      },
      chooseText(index) {
        const tracks = this.player.getTextTracks();
        if (!(tracks.length > index)) throw new Error(`Shaka shows ${tracks.length} text tracks`);
        this.player.selectTextTrack(tracks[index]);
      },
      async close() {
        await this.player?.destroy();
        this.player = null;
      },
    },
  };

  /** The squares of the picture on screen, with the clock that it stands for. */
  function picture(clockS = video.currentTime) {
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const squares = [];
    for (let column = 0; column < COLUMNS; column++) squares.push(context.getImageData(column * 20 + 10, 10, 1, 1).data[0]);
    return { clockS, squares };
  }

  let tellsPictures = true;

  /**
   * The next picture that comes on screen, with the time that the player says it is of, which is its clock's but for what a busy machine
   * is late. A second without one is a picture that stands still, or a player that does not tell: it is held against the clock itself.
   */
  async function nextPicture() {
    if (!tellsPictures) {
      await nextFrame();
      return picture();
    }
    const before = JSON.stringify(picture().squares);
    return new Promise(resolve => {
      const late = setTimeout(() => {
        const now = picture();
        if (JSON.stringify(now.squares) !== before) tellsPictures = false;
        resolve(now);
      }, STANDSTILL_MS);
      video.requestVideoFrameCallback((_, { mediaTime }) => {
        clearTimeout(late);
        resolve(picture(mediaTime + HALF_FRAME_S));
      });
    });
  }

  /** The last sound that went out, as base64 of 16-bit samples. */
  function sound() {
    const samples = new Float32Array(WINDOW);
    analyser.getFloatTimeDomainData(samples);
    const clockS = video.currentTime;
    const whole = Int16Array.from(samples, sample => Math.max(-32768, Math.min(32767, Math.round(sample * 32767))));
    let text = '';
    for (const byte of new Uint8Array(whole.buffer)) text += String.fromCharCode(byte);
    return { clockS, samples: btoa(text) };
  }

  const cues = () =>
    [...video.textTracks]
      .filter(({ mode }) => mode !== 'disabled')
      .flatMap(({ activeCues }) => [...(activeCues ?? [])].map(({ text }) => text));

  const commands = {
    async open({ engine: name, url, startS, texts, isHeard, deadlineMs }) {
      failure = null;
      video = document.createElement('video');
      video.width = 640;
      video.playsInline = true;
      document.body.replaceChildren(video);
      video.addEventListener('error', () => fail(`${video.error.code} ${video.error.message}`));
      if (isHeard) audio.createMediaElementSource(video).connect(analyser);
      for (const src of texts) {
        const track = document.createElement('track');
        track.src = src;
        track.kind = 'subtitles';
        video.append(track);
      }
      if (isHeard) await runGraph(deadlineMs);
      // A film's own file is nothing for a library that reads playlists.
      engine = name === 'hls' && !url.includes('.m3u8') ? engines.native : engines[name];
      await engine.open(url, startS);
      await until(() => video.readyState >= 2, 'the first picture', deadlineMs);
      if (startS > 0 && engine === engines.native && Math.abs(video.currentTime - startS) > 1) {
        video.currentTime = startS;
        await until(() => !video.seeking && video.readyState >= 2, 'the first picture', deadlineMs);
      }
      await plays(deadlineMs);
      const from = video.currentTime;
      await until(() => video.currentTime > from, 'the clock runs', deadlineMs);
      return { clockS: from };
    },
    /** Resolves when the film runs from there. */
    async seek({ positions, intervalMs, deadlineMs }) {
      for (const [at, position] of positions.entries()) {
        if (at > 0) await pause(intervalMs);
        video.currentTime = position;
      }
      const target = positions.at(-1);
      await until(
        () => !video.seeking && video.readyState >= 2 && Math.abs(video.currentTime - target) < 5,
        `the seek to ${target}`,
        deadlineMs,
      );
      if (video.paused) await plays(deadlineMs);
      const from = video.currentTime;
      await until(() => video.currentTime > from, `the clock runs after the seek to ${target}`, deadlineMs);
    },
    /** Pictures and sounds while it plays, and one picture at rest. */
    async look({ count, isHeard, deadlineMs }) {
      const pictures = [];
      const sounds = [];
      const from = video.currentTime;
      // The window of sound must have been filled since the seek.
      await until(() => video.currentTime > from + 0.25, 'the clock runs', deadlineMs);
      for (let at = 0; at < count; at++) {
        const clockS = video.currentTime;
        await until(() => video.currentTime > clockS + 0.06, 'the clock runs', deadlineMs);
        pictures.push(await nextPicture());
        if (isHeard) sounds.push(sound());
      }
      video.pause();
      await pause(100);
      await nextFrame();
      await nextFrame();
      pictures.push(picture());
      await plays(deadlineMs);
      return { pictures, sounds };
    },
    async pause() {
      video.pause();
    },
    async play({ deadlineMs }) {
      await plays(deadlineMs);
    },
    async clock() {
      if (failure) throw new Error(failure);
      return { clockS: video.currentTime };
    },
    async chooseAudio({ index }) {
      await engine.chooseAudio(index);
    },
    async chooseText({ index }) {
      await engine.chooseText(index);
    },
    async texts() {
      return { clockS: video.currentTime, texts: cues() };
    },
    async close() {
      await engine?.close();
      if (video) {
        video.removeAttribute('src');
        video.load();
        video.remove();
      }
      engine = null;
      video = null;
    },
  };

  window.clients = async (name, options) => {
    try {
      return JSON.stringify({ answer: (await commands[name](options)) ?? null });
    } catch (error) {
      return JSON.stringify({ error: String(error?.message ?? error) });
    }
  };
  window.addEventListener('unhandledrejection', ({ reason }) => fail(reason));
})();
