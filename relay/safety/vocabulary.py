"""Which words are ordinary English, and how to split words that were written together.

The words and their frequencies are those of the wordninja package (English Wikipedia).
"""

import functools

import wordninja  # type: ignore[import-untyped]

_SHORT_WORDS = (
    # The frequency list holds abbreviations and fragments; up to three letters, these are words.
    "a i o ad ah ai am an as at be by do go ha he hi ho if in is it me my no of oh ok on or ow "
    "ox pa so to tv um up us we yo add age ago aha aid aim air all and ant any ape arm art ask "
    "ate aw awe axe bad bag ban bar bat bay bed bee beg bet bib big bin bit boo bow box boy bud "
    "bug bum bun bus but buy bye can cap car cat cob cow cry cub cup cut dad day dee did die dig "
    "dip doe dog don dot dry due dug ear eat eel egg ego elf elk end era eve ewe eye fab fan far "
    "fat fed fee few fig fin fit fix fly fog for fox fry fun fur gap gas gem get god got gum gun "
    "gut guy gym had ham has hat hay hen her hey hid him hip his hit hog hop hot how hub hug huh "
    "hum hut ice icy ill ink inn its ivy jam jar jaw jet jig job jog joy jug key kid kit lab lad "
    "lap law lay led leg let lid lie lip lit log lot low mad man map mat may men met mix mob mom "
    "mop mud mug mum nan nap net new nil nit nod nor not now nun nut oak oar odd off oil old one "
    "ooh our out owe owl own pad pal pan par pat paw pay pea pen pet pie pig pin pip pit ply pod "
    "pop pot pox pup put rag ram ran rap rat raw ray red rib rid rim rip rob rod rot row rub rug "
    "run rye sad sap sat saw say sea see set sew she shy sin sip sir sit six ski sky sly sob son "
    "sow spy sum sun tab tag tan tap tar tea ten the tie tin tip toe tom too top tow toy try tub "
    "tug two ugh use van vet vow wag war was wax way web wed wee wet who why wig win wow wry yak "
    "yam yay yes yet you yum zap zip zoo ben sam max amy eva mia leo jim joe bob dan ted tim ann "
    "sue kim jen ava zoe ian roy ron abc mrs pow bam mr pi moo baa boo shh haw hee naw nee rex jab "
    "ups pe tnt ash den dam act peg poo loo uno arc hob pun lag mid mod rum cot doo lol im ive id"
)
# An encyclopedia has few of the words that children have, and no short forms.
_NURSERY = (
    "canter raffle pansy cupcake cupcakes doodle doodles giggle giggles lawnmower blowed bowled "
    "wobbly popcorn snowman wellies lolly burp crayon hiccups wonky yucky squeak doggy cluedo "
    "squirt squirty squirted cuddle yummy pyjamas sleepover haha minecraft sneezed clapped "
    "didnt doesnt isnt arent wasnt werent havent hasnt hadnt couldnt wouldnt shouldnt youre youve "
    "youll theyre theyve theyll theyd weve itll"
)
SHORT_WORDS = frozenset(_SHORT_WORDS.split())
_NURSERY_WORDS = frozenset(_NURSERY.split())
_COMMON = 40_000  # ranks of the frequency list that count as ordinary
_RARE = 10**6

_costs: dict[str, float] = wordninja.DEFAULT_LANGUAGE_MODEL._wordcost
_rank = {word: rank for rank, word in enumerate(sorted(_costs, key=_costs.__getitem__))}


def rank(word: str) -> int:
    """Return the place of `word` by frequency, 0 for the most frequent; a million if unknown."""
    return _rank.get(word, _RARE)


def is_ordinary(word: str) -> bool:
    """Say whether `word`, in lower-case a-z, is one that people use every day."""
    if len(word) <= 3:
        return word in SHORT_WORDS
    if word in _NURSERY_WORDS:
        return True
    return rank(word) < _COMMON or (word.endswith("s") and rank(word[:-1]) < _COMMON)


def is_word(word: str) -> bool:
    """Say whether `word` is in the whole list, rare words and names included."""
    return word in SHORT_WORDS or (len(word) > 3 and word in _rank)


@functools.lru_cache(maxsize=1024)
def split(token: str) -> tuple[str, ...]:
    """Return the words that were most likely written together as `token`, in lower case."""
    return tuple(wordninja.split(token))
