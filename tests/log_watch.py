"""Watches every log of the whole suite for what must be in none: words, tokens, passwords.

What is secret is learnt where it is made or used: random tokens, passwords as they are hashed or
compared, pairing codes, and the words of every turn that ends, whatever test it belongs to.
"""

import logging
import re
import secrets

from argon2 import PasswordHasher

from relay.backup import passphrase
from relay.pairing import offers
from relay.parent.sessions import form_token
from relay.services import Services

# Shorter ones stand in ordinary words, and so does what a child says in one word.
_SHORTEST = 8
_FEWEST_WORDS = 3
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# Whose log the relay prints at its own level; the others it holds at WARNING (relay/telemetry.py).
_OURS = ("relay", "tools")


class LogWatch(logging.Handler):
    """Collects what is logged, at any level, and what must not be."""

    def __init__(self):
        super().__init__(level=logging.NOTSET)
        self._secrets = set()
        self._logged = []

    def learn(self, secret):
        """Take something that must never be logged."""
        if len(secret) >= _SHORTEST:
            self._secrets.add(secret)

    def learn_words(self, text):
        """Take words of a conversation."""
        if len(text.split()) >= _FEWEST_WORDS:
            self.learn(text)

    def learn_printed(self, text):
        """Take the tokens in what a command prints for its user."""
        for token in _TOKEN.findall(text):
            self.learn(token)

    def read(self, text):
        """Take what another process has logged."""
        self._logged.append(text)

    def emit(self, record):
        """Take a record as it was made, before anything is cut out of it."""
        if not record.name.startswith(_OURS) and record.levelno < logging.WARNING:
            return
        fields = getattr(record, "fields", None)
        self._logged.append(f"{record.getMessage()} {fields or ''}")

    def begin(self):
        """Begin with a test: our loggers tell everything, to this handler at least."""
        self._logged.clear()
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)
        for name in _OURS:
            logging.getLogger(name).setLevel(logging.DEBUG)

    def leaks(self):
        """Return the secrets that were logged since `begin`, with the line that holds each."""
        whole = "\n".join(self._logged)
        return {
            secret: next(line for line in whole.splitlines() if secret.splitlines()[0] in line)
            for secret in self._secrets
            if secret in whole
        }


WATCH = LogWatch()


def learn_at_the_source(watch, monkeypatch):
    """Have `watch` learn every secret of this process where it comes from."""

    def hear(owner, name, take):
        plain = getattr(owner, name)

        def heard(*arguments, **options):
            result = plain(*arguments, **options)
            take(result, *arguments)
            return result

        monkeypatch.setattr(owner, name, heard)

    def token(made, *_):
        watch.learn(made)
        if _TOKEN.fullmatch(made):
            watch.learn(form_token(made))  # were it a cookie

    def turn(_, _services, record):
        watch.learn_words(record.heard)
        for sentence in record.said:
            watch.learn_words(sentence)

    hear(secrets, "token_urlsafe", token)
    hear(PasswordHasher, "hash", lambda _, _self, password: watch.learn(password))
    hear(passphrase, "_key", lambda _, phrase, _salt: watch.learn(phrase))
    hear(offers, "_new_code", lambda code, *_: watch.learn(code))
    hear(offers, "_grouped", lambda code, *_: watch.learn(code))
    hear(Services, "observe", turn)
