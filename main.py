"""Start the toy."""

from device import app

app.run()
