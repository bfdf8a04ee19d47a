// The browser toy's microphone and speaker, in the browser's audio thread. Frames are 20 ms: 320
// samples, 16 kHz, mono, signed 16 bit (docs/protocol.md). Needs resampler.js in the same place.

const RATE_HZ = 16000;
const FRAME_SAMPLES = 320;

// Posts {frame: Int16Array, level: 0 to 1} for every 20 ms.
class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE_HZ);
    this.begin();
  }

  begin() {
    this.frame = new Int16Array(FRAME_SAMPLES);
    this.filled = 0;
    this.peak = 0;
  }

  process([input]) {
    if (!input.length) return true; // not connected yet
    for (const sample of this.resampler.push(input[0])) {
      const value = Math.max(-1, Math.min(1, sample));
      this.peak = Math.max(this.peak, Math.abs(value));
      this.frame[this.filled++] = Math.round(value * 32767);
      if (this.filled === FRAME_SAMPLES) {
        this.port.postMessage({ frame: this.frame, level: this.peak }, [this.frame.buffer]);
        this.begin();
      }
    }
    return true;
  }
}

// Plays frames of one reply at a time. Takes {begin: prebufferMs}, {frame: Int16Array}, {end: true}
// and {clear: true}; posts {started: true} with the first sound of a reply, and
// {played: samples at 16 kHz, underruns: count} when the last sample of an ended reply has left.
class Speaker extends AudioWorkletProcessor {
  constructor() {
    super();
    this.begin(0);
    this.port.onmessage = ({ data }) => this.obey(data);
  }

  begin(prebufferMs) {
    this.resampler = new Resampler(RATE_HZ, sampleRate);
    this.prebuffer = (prebufferMs * sampleRate) / 1000;
    this.chunks = [];
    this.held = 0;
    this.frames = 0;
    this.underruns = 0;
    this.isPlaying = false;
    this.hasStarted = false;
    this.hasEnded = false;
    this.isOver = true;
  }

  obey(message) {
    if (message.clear) this.begin(0);
    if ("begin" in message) {
      this.begin(message.begin);
      this.isOver = false;
    }
    if (this.isOver) return;
    if (message.frame) {
      this.frames++;
      this.hold(this.resampler.push(Float32Array.from(message.frame, (value) => value / 32768)));
    }
    if (message.end) {
      this.hold(this.resampler.finish());
      this.hasEnded = true;
    }
  }

  hold(samples) {
    if (!samples.length) return;
    this.chunks.push(samples);
    this.held += samples.length;
  }

  process(_inputs, [output]) {
    const isEnough = this.held > 0 && this.held >= this.prebuffer;
    this.isPlaying ||= isEnough || this.hasEnded;
    if (this.isOver || !this.isPlaying) return true;
    const channel = output[0];
    let place = 0;
    while (place < channel.length && this.chunks.length) {
      const part = this.chunks[0].subarray(0, channel.length - place);
      channel.set(part, place);
      place += part.length;
      this.chunks[0] = this.chunks[0].subarray(part.length);
      if (!this.chunks[0].length) this.chunks.shift();
    }
    this.held -= place;
    if (place && !this.hasStarted) {
      this.hasStarted = true;
      this.port.postMessage({ started: true });
    }
    if (place < channel.length) this.ranDry();
    return true;
  }

  ranDry() {
    this.isPlaying = false; // it collects a prebuffer again
    if (!this.hasEnded) {
      this.underruns++;
      return;
    }
    this.isOver = true;
    this.port.postMessage({ played: this.frames * FRAME_SAMPLES, underruns: this.underruns });
  }
}

registerProcessor("microphone", Microphone);
registerProcessor("speaker", Speaker);
