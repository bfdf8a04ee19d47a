// A toy of the relay's, made of a browser: the same messages, the same frames (docs/protocol.md).
// try_it.js shows what it does. Needs sound_worklet.js and resampler.js, by their addresses.

const SUBPROTOCOL = "bramble.v1";
const PCM = 1; // the codec's number in a frame's header
const HEADER_BYTES = 4;
const FRAME_MS = 20;
const LAST_TURN = 65535;
const BUFFER_MS = 1000; // what the speaker may hold; it could hold any amount
const TAIL_MS = 100; // a microphone's sound is late: after letting go, the last word still comes

// Something that a person can do something about; `reason` is a key of try_it.js's sayings.
class Trouble extends Error {
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

class BrowserToy {
  // `told` has functions: state(name), level(0 to 1), report(message), ended(reason).
  // States: "ready", "listening", "thinking", "speaking".
  constructor(told) {
    this.told = told;
    this.turn = 0;
    this.state = null;
    this.isOver = false;
  }

  // Opens microphone and speaker. Call it from a click: browsers want one. Raises Trouble.
  async openSound(scripts) {
    if (!window.isSecureContext || !navigator.mediaDevices) throw new Trouble("insecure");
    if (!window.AudioWorkletNode) throw new Trouble("old_browser");
    this.context = new AudioContext({ latencyHint: "interactive" });
    const voice = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { channelCount: 1, ...voice },
      });
    } catch (error) {
      const missing = ["NotFoundError", "NotReadableError", "OverconstrainedError"];
      throw new Trouble(missing.includes(error.name) ? "no_microphone" : "refused");
    }
    if (this.isOver) throw new Trouble("stopped"); // meanwhile
    this.stream.getAudioTracks()[0].onended = () => this.end("no_microphone");
    for (const script of scripts) await this.context.audioWorklet.addModule(script);
    const mono = { channelCount: 1, channelCountMode: "explicit" };
    this.microphone = new AudioWorkletNode(this.context, "microphone", {
      ...mono,
      numberOfOutputs: 0,
    });
    this.speaker = new AudioWorkletNode(this.context, "speaker", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.microphone.port.onmessage = ({ data }) => this.recorded(data);
    this.speaker.port.onmessage = ({ data }) => this.heardSpeaker(data);
    this.context.createMediaStreamSource(this.stream).connect(this.microphone);
    this.speaker.connect(this.context.destination);
    await this.context.resume();
  }

  // Connects with a ticket, for which the relay knows the child. `age` in years.
  connect(address, ticket, age) {
    this.age = age;
    this.socket = new WebSocket(address, [SUBPROTOCOL, `ticket.${ticket}`]);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.sayHello();
    this.socket.onclose = ({ code }) => this.end(`closed_${code}`);
    this.socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      if (data instanceof ArrayBuffer) this.hear(data);
      else this.obey(JSON.parse(data));
    };
  }

  // The paw is squeezed: `mode` is "hold" until `release`, or "tap" until the relay hears the end.
  squeeze(mode) {
    if (this.state === null) return;
    clearTimeout(this.releasing);
    this.speaker.port.postMessage({ clear: true });
    this.turn = (this.turn % LAST_TURN) + 1;
    this.frames = 0;
    this.mode = mode;
    this.send({ type: "listen", turn: this.turn, mode });
    this.enter("listening");
  }

  release() {
    if (this.state !== "listening" || this.mode !== "hold") return;
    this.releasing = setTimeout(() => {
      this.send({ type: "listen_end", turn: this.turn, frames: this.frames });
      this.enter("thinking");
    }, TAIL_MS);
  }

  // Lets go of microphone, speaker and relay; `reason` is for people. Harmless when repeated.
  end(reason) {
    if (this.isOver) return;
    this.isOver = true;
    this.state = null;
    clearTimeout(this.releasing);
    clearInterval(this.beating);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    if (this.context && this.context.state !== "closed") this.context.close();
    this.socket?.close();
    this.told.ended(reason);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  enter(state) {
    this.state = state;
    this.told.state(state);
  }

  sayHello() {
    this.send({
      type: "hello",
      protocol: 1,
      age: this.age,
      firmware: "browser",
      board: "browser",
      codecs: ["pcm"],
      buffer_ms: BUFFER_MS,
    });
  }

  obey(message) {
    if (message.type === "welcome") this.settle(message);
    else if (message.type === "turn_report") this.told.report(message);
    else if (message.turn !== this.turn) return; // of a turn that is over
    else if (message.type === "endpoint") this.heardEnough();
    else if (message.type === "speech_start") this.speaker.port.postMessage({ begin: this.prebuffer });
    else if (message.type === "speech_stop") this.stopSpeech(message.reason);
  }

  settle(welcome) {
    this.prebuffer = welcome.prebuffer_ms;
    this.beatAt = performance.now();
    this.beating = setInterval(() => this.beat(welcome), welcome.heartbeat_s * 1000);
    this.enter("ready");
  }

  beat({ heartbeat_s: heartbeatS, timeout_s: timeoutS }) {
    const now = performance.now();
    const stoodStill = now - this.beatAt > 2000 * heartbeatS; // what came meanwhile still waits
    this.beatAt = now;
    if (!stoodStill && now - this.heardAt > 1000 * timeoutS) return this.end("closed_1006");
    const uptime = Math.floor(now / 1000);
    this.send({ type: "heartbeat", rssi: null, heap_free: 0, uptime_s: uptime });
  }

  heardEnough() {
    clearTimeout(this.releasing);
    if (this.state === "listening") this.enter("thinking");
  }

  stopSpeech(reason) {
    if (reason === "done") {
      this.speaker.port.postMessage({ end: true });
      return;
    }
    this.speaker.port.postMessage({ clear: true });
    this.enter("ready");
  }

  // A frame from the microphone, which is open all the time but heard only while the paw is held.
  recorded({ frame, level }) {
    this.told.level(level);
    if (this.state !== "listening" || this.socket.readyState !== WebSocket.OPEN) return;
    const packed = new DataView(new ArrayBuffer(HEADER_BYTES + frame.length * 2));
    packed.setUint8(0, PCM);
    packed.setUint8(1, this.turn & 0xff);
    packed.setUint16(2, this.frames++ & 0xffff, true);
    frame.forEach((sample, n) => packed.setInt16(HEADER_BYTES + n * 2, sample, true));
    this.socket.send(packed);
  }

  hear(data) {
    const view = new DataView(data);
    if (view.getUint8(0) !== PCM || view.getUint8(1) !== (this.turn & 0xff)) return;
    const frame = new Int16Array((data.byteLength - HEADER_BYTES) / 2);
    for (let n = 0; n < frame.length; n++) frame[n] = view.getInt16(HEADER_BYTES + n * 2, true);
    this.speaker.port.postMessage({ frame }, [frame.buffer]);
  }

  heardSpeaker(message) {
    const turn = this.turn;
    if (message.started && this.state === "thinking") this.enter("speaking");
    if (message.played === undefined) return;
    // The last sample has left this program, not yet the loudspeaker.
    setTimeout(() => this.played(turn, message), (this.context.outputLatency || 0) * 1000);
  }

  played(turn, { played, underruns }) {
    if (turn !== this.turn || this.isOver || this.state === "listening") return;
    const playedMs = Math.round(played / 320) * FRAME_MS;
    this.send({ type: "played", turn, played_ms: playedMs, underruns });
    this.told.played(playedMs, underruns);
    this.enter("ready");
  }
}
