"""The family's data is the family's: all of it handed out, all of it erased."""
