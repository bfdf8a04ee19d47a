// Changes the sampling rate of a stream of sound, chunk by chunk: the relay's toys speak at 16 kHz,
// sound cards mostly at 44.1 or 48. A low-pass filter as a windowed sinc (Kaiser window), so that
// nothing above the lower rate's half folds back into the voice.
//
// Used by the page and by sound_worklet.js, which is why it is put where both find it.

globalThis.Resampler = class Resampler {
  static CROSSINGS = 16; // of the sinc to each side
  static STEPS = 1024; // of the table from one crossing to the next
  static PASS = 0.92; // of the lower rate's half is left as it is
  static BETA = 8; // Kaiser: about 80 dB

  constructor(fromHz, toHz) {
    const scale = Math.min(1, toHz / fromHz) * Resampler.PASS;
    this.step = fromHz / toHz; // input samples for each of the output
    this.scale = scale;
    this.reach = Math.ceil(Resampler.CROSSINGS / scale); // input samples to each side
    this.table = Resampler.table ??= Resampler.kernel();
    this.input = new Float32Array(this.reach); // silence before the beginning
    this.at = this.reach; // where the next output sample lies in `input`
  }

  // Returns what of the output is certain after `chunk`, a Float32Array.
  push(chunk) {
    const input = new Float32Array(this.input.length + chunk.length);
    input.set(this.input);
    input.set(chunk, this.input.length);
    const count = Math.max(0, Math.ceil((input.length - this.reach - this.at) / this.step));
    const output = new Float32Array(count);
    for (let n = 0; n < count; n++) output[n] = this.valueAt(input, this.at + n * this.step);
    this.at += count * this.step;
    const past = Math.max(0, Math.floor(this.at) - this.reach);
    this.input = input.slice(past);
    this.at -= past;
    return output;
  }

  // Returns the rest, after the last chunk.
  finish() {
    return this.push(new Float32Array(this.reach));
  }

  valueAt(input, place) {
    const first = Math.max(0, Math.ceil(place - this.reach));
    const last = Math.min(input.length - 1, Math.floor(place + this.reach));
    const steps = this.scale * Resampler.STEPS;
    let sum = 0;
    for (let n = first; n <= last; n++) {
      sum += input[n] * this.table[Math.round(Math.abs(place - n) * steps)];
    }
    return sum * this.scale;
  }

  static kernel() {
    const size = Resampler.CROSSINGS * Resampler.STEPS;
    const table = new Float32Array(size + Resampler.STEPS); // zeros where rounding leads past it
    const whole = Resampler.bessel(Resampler.BETA);
    table[0] = 1;
    for (let n = 1; n < size; n++) {
      const x = (Math.PI * n) / Resampler.STEPS;
      const window = Resampler.bessel(Resampler.BETA * Math.sqrt(1 - (n / size) ** 2)) / whole;
      table[n] = (Math.sin(x) / x) * window;
    }
    return table;
  }

  // The modified Bessel function of order 0, as its power series.
  static bessel(x) {
    let sum = 1;
    let term = 1;
    for (let n = 1; term > 1e-12 * sum; n++) {
      term *= (x / (2 * n)) ** 2;
      sum += term;
    }
    return sum;
  }
};
