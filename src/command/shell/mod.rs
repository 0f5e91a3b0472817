//! Shell lines, read by a real parser of the shell's grammar: never by splitting words.
