"""The volume: what was asked for, under the ceilings that a grown-up has set on the toy itself."""

from device.clock import is_between


class Volume:
    """Keeps the speaker's volume; nothing sent over the link can exceed the ceiling.

    At night a lower ceiling holds. While the time is not known yet, it may be night: the toy is as
    quiet as at night until the relay has told it otherwise.
    """

    def __init__(self, settings, speaker):
        self._settings = settings
        self._speaker = speaker
        self._unsaved = False
        self._minute = None
        self._apply()

    @property
    def ceiling(self):
        """The ceiling in force now, in percent."""
        settings = self._settings
        if settings.night_from is None or settings.night_until is None:
            return settings.volume_ceiling
        minute = self._minute
        if minute is not None and not is_between(minute, settings.night_from, settings.night_until):
            return settings.volume_ceiling
        return min(settings.volume_ceiling, settings.night_volume_ceiling)

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

    def set_time(self, minute):
        """Let it be `minute` of the day (0 to 1439, or None while that is not known)."""
        if minute != self._minute:
            self._minute = minute
            self._apply()

    def save(self):
        """Keep a change over a restart; when idle, for writing to flash stops everything else."""
        if self._unsaved:
            self._unsaved = False
            self._settings.save()
