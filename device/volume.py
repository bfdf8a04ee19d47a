"""The volume: what was asked for, under the ceiling that a grown-up has set on the toy itself."""


class Volume:
    """Keeps the speaker's volume; nothing sent over the link can exceed the ceiling."""

    def __init__(self, settings, speaker):
        self._settings = settings
        self._speaker = speaker
        self._unsaved = False
        self._apply()

    def _apply(self):
        self.percent = min(self._settings.volume, self._settings.volume_ceiling)
        self._speaker.set_volume(self.percent)

    def set(self, percent):
        """Ask for `percent`, 0 to 100; return the volume in force."""
        if percent != self._settings.volume:
            self._settings.volume = percent
            self._unsaved = True
        self._apply()
        return self.percent

    def save(self):
        """Keep a change over a restart; when idle, for writing to flash stops everything else."""
        if self._unsaved:
            self._unsaved = False
            self._settings.save()
