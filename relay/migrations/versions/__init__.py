"""One file a change of the tables, in the order that their names say."""
