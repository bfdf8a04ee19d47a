"""Sound on the toy: 16 kHz mono signed 16-bit samples between microphone, link and speaker."""
