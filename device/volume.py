"""The volume: what was asked for, under the ceilings that a grown-up has set on the toy itself."""


class Volume:
    """Keeps the speaker's volume; nothing sent over the link can exceed the ceiling.

    At night a lower ceiling holds; until `set_night` has been called, it may be night.
    """

    def __init__(self, settings, speaker):
        self._settings = settings
        self._speaker = speaker
        self._unsaved = False
        self._night = settings.has_night
        self._apply()

    @property
    def ceiling(self):
        """The ceiling in force now, in percent."""
        settings = self._settings
        if self._night:
            return min(settings.volume_ceiling, settings.night_volume_ceiling)
        return settings.volume_ceiling

    def _apply(self):
        self.percent = min(self._settings.volume, self.ceiling)
        self._speaker.set_volume(self.percent)

    def set(self, percent):
        """Ask for `percent`, 0 to 100; return the volume in force."""
        if percent != self._settings.volume:
            self._settings.volume = percent
            self._unsaved = True
        self._apply()
        return self.percent

    def set_night(self, night):
        """Let it be night, or day."""
        if night != self._night:
            self._night = night
            self._apply()

    def save(self):
        """Keep a change over a restart; when idle, for writing to flash stops everything else."""
        if self._unsaved:
            self._unsaved = False
            self._settings.save()
