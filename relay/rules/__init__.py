"""The parent's rules about when a toy talks: quiet hours, minutes a day, breaks, rest."""
