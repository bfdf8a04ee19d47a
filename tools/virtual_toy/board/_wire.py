"""Message kinds of the joint between the simulated board and its host. Both sides import this file.

A message is a header and its payload, little-endian. Board to host: kind, number (of a pin),
payload bytes, monotonic time in microseconds. Host to board: kind, number, payload bytes. Both ends
read the same CLOCK_MONOTONIC, so that times can be compared directly.
"""

TO_HOST_HEADER = "<BBHQ"
TO_BOARD_HEADER = "<BBH"
LARGEST_PAYLOAD = 4096  # bytes, to the host; longer sound is cut into several messages

# board -> host
BOOTED = 1
LED = 2  # number: pin; payload: red, green, blue of each light
SPEAKER_OPENED = 3  # payload SPEAKER_FORMAT
SPEAKER_DATA = 4  # time: when its first sample leaves the DMA; payload: as the firmware wrote it
SPEAKER_CLOSED = 5  # time: what would have left the DMA later is dropped
MICROPHONE_OPENED = 6
MICROPHONE_CLOSED = 7
MICROPHONE_OVERRUN = 8  # payload COUNT: frames that nobody read in time
WIFI = 9  # payload: what happened, as text
RESET = 10  # number: 1 for a soft reset
DEEP_SLEEP = 11  # number: pin that ends it or NO_PIN; payload COUNT: milliseconds, 0 for ever
WATCHDOG_STARTED = 12  # payload COUNT: milliseconds
WATCHDOG_FED = 13

SPEAKER_FORMAT = "<IBBI"  # rate in Hz, bits, channels, DMA memory in bytes
COUNT = "<I"
NO_PIN = 255

# host -> board
WORLD = 1  # payload: JSON object, merged into the board's picture of the world
LEVEL = 2  # number: pin; payload: 0 or 1
SOUND = 3  # payload: SOUND_HEADER, then the path of raw 16 kHz 16-bit mono sound; "" is silence
SOUND_HEADER = "<Q"  # when its first sample reaches the microphone
