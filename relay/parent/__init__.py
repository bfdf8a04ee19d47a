"""The parent's page: accounts, toys, children and their rules, on a port of its own.

`server` runs it inside the relay's process, `app` puts it together from the files of handlers
(`welcome`, `door`, `today`, `toys`, `children`, `rules`, `account`); `routing` lets through only
what `gatekeeper`, `sessions` and the form token allow. Words are in `texts`, looks in `templates`
and `static`. `browser_toys` let a parent talk with the relay without a toy, from `browser_toy`.
"""
