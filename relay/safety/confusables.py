"""Letters that look like Latin ones, folded to the Latin letter they look like.

Own choice of the pairs that keyboards offer, in the sense of Unicode Technical Standard 39
(confusable detection): the look counts, not the sound (Cyrillic "р" is "p", not "r").
"""

# Lower case only: text is case-folded first. Each word is a look-alike and what it looks like.
_PAIRS = (
    # Cyrillic
    "аa бb вb гr дd еe ёe иn кk мm нh оo рp сc тt уy хx цu шw ьb ѕs іi їi јj һh ԁd ԛq ԝw ӏl ѵv ԍg"
    # Greek
    " αa βb γy δd εe ζz ηn ιi κk λl μu νv οo ρp ςs σo τt υu φo χx ωw"
    # Latin letters that NFKD does not take apart
    " ıi łl øo đd ħh ŧt ƒf ɑa ɡg ɩi ɪi ʟl ƙk ɨi ʀr ʏy ʙb ɢg ʜh ɴn æae œoe ðd þp"
    # small capitals
    " ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz ꜰf ꜱs"
    # Armenian
    " սu ոn ցg հh օo զq"
)


def _table() -> dict[int, str]:
    table = {ord(pair[0]): pair[1:] for pair in _PAIRS.split()}
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    for start in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):  # squared, circled and flag letters
        table.update((start + offset, letter) for offset, letter in enumerate(alphabet))
    return table


LOOKALIKES = _table()
"""For `str.translate`: code point to the Latin letter or letters it looks like."""
