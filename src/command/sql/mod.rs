//! What SQL text does: an own lexer for each dialect and a read allowlist that fails closed.
