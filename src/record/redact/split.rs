//! Splitting a shell text into words, with their places. It only has to find where words begin
//! and end; it need not know what a shell would do with them.

use std::ops::Range;

/// A word of a shell text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// Its place in the text, quotes included.
    pub(super) range: Range<usize>,
    /// The word without its quotes.
    pub(super) value: String,
    /// The first word after an operator: a new command.
    pub(super) begins: bool,
}

/// The words of `text`; a quote that does not end goes to the end of the text.
pub(super) fn split(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut begins = true;
    while let Some(&(start, c)) = chars.peek() {
        if c == '\n' || matches!(c, ';' | '|' | '&' | '(' | ')' | '{' | '}' | '`') {
            begins = true;
            chars.next();
        } else if c.is_whitespace() || matches!(c, '<' | '>') {
            chars.next();
        } else {
            let (end, value) = word(text, &mut chars);
            tokens.push(Token {
                range: start..end,
                value,
                begins,
            });
            begins = false;
        }
    }
    tokens
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn word(text: &str, chars: &mut Chars<'_>) -> (usize, String) {
    let mut value = String::new();
    while let Some(&(at, c)) = chars.peek() {
        match c {
            c if c.is_whitespace() => return (at, value),
            ';' | '|' | '&' | '(' | ')' | '<' | '>' | '`' => return (at, value),
            '\\' => {
                chars.next();
                value.extend(chars.next().map(|(_, c)| c));
            }
            '\'' => {
                chars.next();
                value.extend(chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '\''));
            }
            '"' => {
                chars.next();
                double_quoted(chars, &mut value);
            }
            c => {
                chars.next();
                value.push(c);
            }
        }
    }
    (text.len(), value)
}

fn double_quoted(chars: &mut Chars<'_>, value: &mut String) {
    while let Some((_, c)) = chars.next() {
        match c {
            '"' => return,
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_have_their_places() {
        let text = r#"a 'b c'"d\"e"f;g|h\ i"#;
        let tokens = split(text);
        let shown: Vec<_> = tokens
            .iter()
            .map(|t| (&text[t.range.clone()], t.value.as_str(), t.begins))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", "a", true),
                (r#"'b c'"d\"e"f"#, "b cd\"ef", false),
                ("g", "g", true),
                (r"h\ i", "h i", true),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_a_shell_quotes_is_one_word(
            words in proptest::collection::vec("\\PC{1,20}", 1..6), ways in proptest::collection::vec(0u8..3, 6)
        ) {
            let quoted = |(word, way): (&String, &u8)| match way {
                0 => format!("'{}'", word.replace('\'', "'\\''")),
                1 => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
                _ => word.chars().flat_map(|c| ['\\', c]).collect(),
            };
            let line: Vec<String> = words.iter().zip(&ways).map(quoted).collect();
            let tokens = split(&line.join(" "));
            let read: Vec<&String> = tokens.iter().map(|t| &t.value).collect();
            prop_assert_eq!(read, words.iter().collect::<Vec<_>>());
        }

        #[test]
        fn places_are_in_order_and_on_characters(text in "[a-z'\"\\\\ ;|&€\n]{0,60}") {
            let mut end = 0;
            for token in split(&text) {
                prop_assert!(token.range.start >= end && text.get(token.range.clone()).is_some());
                end = token.range.end;
            }
        }
    }
}
