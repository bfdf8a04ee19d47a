"""The words that toy and relay share: message names, codes, sizes and the audio header.

Pure and small: it runs on MicroPython and on CPython, and the relay imports it too, so that a name
or a number of the protocol is written down once. docs/protocol.md explains each of them.
"""

import struct

SUBPROTOCOL = "bramble.v1"
VERSION = 1

# The name in the relay's certificate that a toy checks: not its address, which may change. The
# domain is one that is never given to anybody (ICANN, 2024).
RELAY_NAME = "relay.bramble.internal"

YOUNGEST_AGE = 3
OLDEST_AGE = 13

RATE_HZ = 16000
FRAME_MS = 20
SAMPLES_PER_FRAME = RATE_HZ * FRAME_MS // 1000
PCM_FRAME_BYTES = SAMPLES_PER_FRAME * 2
# IMA ADPCM: 4 bits a sample after 4 bytes of decoder state, so that a frame stands alone.
ADPCM_STATE_BYTES = 4
ADPCM_FRAME_BYTES = ADPCM_STATE_BYTES + SAMPLES_PER_FRAME // 2

AUDIO_HEADER_BYTES = 4
MAX_AUDIO_BYTES = AUDIO_HEADER_BYTES + PCM_FRAME_BYTES
MAX_TEXT_BYTES = 4096  # of a toy's message
MAX_TEXT_BYTES_TO_TOY = 2048  # its buffer for a message is made once and stays

LAST_TURN = 0xFFFF  # turn and sequence numbers are 16 bits and wrap; turn 0 is never used


class Message:
    """Values of the `type` field of a text frame."""

    # toy -> relay
    HELLO = "hello"
    LISTEN = "listen"
    LISTEN_END = "listen_end"
    CANCEL = "cancel"
    PLAYED = "played"
    HEARTBEAT = "heartbeat"
    RESULT = "result"
    GOODBYE = "goodbye"
    # relay -> toy
    WELCOME = "welcome"
    ENDPOINT = "endpoint"
    SPEECH_START = "speech_start"
    SPEECH_STOP = "speech_stop"
    HEARTBEAT_ACK = "heartbeat_ack"
    COMMAND = "command"
    ERROR = "error"


class Close:
    """WebSocket close codes of the application (RFC 6455 section 7.4.2 leaves 4000-4999 to us)."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    INTERNAL = 1011
    BAD_MESSAGE = 4400
    NOT_AUTHORISED = 4401
    AGE_GATE = 4403
    TIME_OUT = 4408
    REPLACED = 4409
    TOO_MANY = 4429
    FULL = 4503


class Codec:
    """First byte of an audio frame, and its name in `hello` and `welcome`."""

    PCM = 1
    ADPCM = 2
    NAMES = ("", "pcm", "adpcm")


# What this firmware asks for: a quarter of PCM's bytes, in its buffers as well as in the air.
TOY_CODEC = "adpcm"


class Mode:
    """How the child talks: with the paw held, or hands-free until the relay hears the end."""

    HOLD = "hold"
    TAP = "tap"


class StopReason:
    """Why speech ended, in `speech_stop`."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class EndpointReason:
    """Why the relay stopped listening, in `endpoint`."""

    SILENCE = "silence"
    TOO_LONG = "too_long"
    NOTHING_HEARD = "nothing_heard"
    REFUSED = "refused"


def pack_audio_header(buffer, codec, turn, sequence):
    """Write the 4-byte header in front of an audio frame.

    Layout, little-endian: codec (1 byte), turn modulo 256 (1 byte), sequence number in the turn
    modulo 65536 (2 bytes). The turn lets a receiver drop what is left of a cancelled one.
    """
    struct.pack_into("<BBH", buffer, 0, codec, turn & 0xFF, sequence & 0xFFFF)


def unpack_audio_header(frame):
    """Return (codec, turn modulo 256, sequence) of an audio frame; ValueError if too short."""
    if len(frame) < AUDIO_HEADER_BYTES:
        raise ValueError("audio frame of %d bytes has no header" % len(frame))
    return struct.unpack_from("<BBH", frame, 0)


def is_allowed_age(age):
    """Tell whether `age` is a whole number of years that the toy may talk to (3 to 13)."""
    return type(age) is int and YOUNGEST_AGE <= age <= OLDEST_AGE
