//! What a plain scalar means: by Psych (YAML 1.1 as Ruby reads it) and by the YAML 1.2 core schema.

use crate::target::Value;

/// The type that Ruby's Psych gives a plain scalar (`Psych::ScalarScanner`, Psych 3 to 5). Dates
/// stay text: nothing here computes with them. Symbols become their text.
pub fn psych(text: &str) -> Value {
    if text.is_empty() || text == "~" || text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&["yes", "true", "on"]) {
        return Value::Bool(true);
    }
    if is(&["no", "false", "off"]) {
        return Value::Bool(false);
    }
    if let Some(symbol) = text.strip_prefix(':').filter(|s| !s.is_empty()) {
        return Value::Str(unquoted(symbol).to_owned());
    }
    if is(&[".inf", "+.inf"]) {
        return Value::Float(f64::INFINITY);
    }
    if is(&["-.inf"]) {
        return Value::Float(f64::NEG_INFINITY);
    }
    if is(&[".nan"]) {
        return Value::Float(f64::NAN);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Value::Str(text.to_owned());
    }
    sexagesimal(text)
        .or_else(|| psych_float(text))
        .or_else(|| psych_integer(text))
        .unwrap_or_else(|| Value::Str(text.to_owned()))
}

fn unquoted(symbol: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = symbol
            .strip_prefix(quote)
            .and_then(|s| s.strip_suffix(quote))
        {
            return inner;
        }
    }
    symbol
}

fn split_sign(text: &str) -> (i64, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    }
}

/// `12:30` is 45000: base 60 with the first place always counted as hours, as Psych does.
fn sexagesimal(text: &str) -> Option<Value> {
    let (_, rest) = split_sign(text);
    let places: Vec<&str> = rest.split(':').collect();
    let (first, others) = places.split_first()?;
    let first_ok = first.starts_with(|c: char| c.is_ascii_digit())
        && first.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let others_ok = others.iter().all(|place| match place.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [ten, digit] => (b'0'..b'6').contains(ten) && digit.is_ascii_digit(),
        _ => false,
    });
    if !first_ok || !others_ok || !(1..=2).contains(&others.len()) {
        return None;
    }
    let mut sum: i64 = 0;
    for (place, unit) in text.split(':').zip([3600, 60, 1]) {
        let number: i64 = place.replace('_', "").parse().ok()?;
        sum = sum.checked_add(number.checked_mul(unit)?)?;
    }
    Some(Value::Int(sum))
}

/// Digits with a point, `_` and `,` between digits ignored.
fn psych_float(text: &str) -> Option<Value> {
    let (_, rest) = split_sign(text);
    let (whole, fraction) = rest.split_once('.')?;
    let whole_ok = whole.is_empty()
        || whole.starts_with(|c: char| c.is_ascii_digit())
            && whole
                .bytes()
                .all(|b| b.is_ascii_digit() || b"_,".contains(&b));
    let (digits, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    let exponent_ok = exponent.is_none_or(|e| {
        e.strip_prefix(['+', '-'])
            .is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    });
    let digits_ok = digits.bytes().all(|b| b.is_ascii_digit());
    if !whole_ok || !digits_ok || !exponent_ok || whole.is_empty() && digits.is_empty() {
        return None;
    }
    let plain: String = text.chars().filter(|c| !"_,".contains(*c)).collect();
    plain.trim_end_matches('.').parse().ok().map(Value::Float)
}

/// Decimal with `_` and `,` between digits, octal `017`, `0b1`, `0xf`.
fn psych_integer(text: &str) -> Option<Value> {
    let (sign, rest) = split_sign(text);
    let plain: String = rest.chars().filter(|c| !"_,".contains(*c)).collect();
    let number = if let Some(digits) = plain.strip_prefix("0x") {
        i64::from_str_radix(digits, 16).ok()?
    } else if let Some(digits) = plain.strip_prefix("0b") {
        i64::from_str_radix(digits, 2).ok()?
    } else if rest.len() > 1 && rest.starts_with('0') {
        i64::from_str_radix(&plain, 8).ok()?
    } else {
        let separated = rest.ends_with(['_', ',']) || rest.contains("__") || rest.contains(",,");
        if separated || !plain.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        plain.parse().ok()?
    };
    Some(Value::Int(sign * number))
}

/// The type that the YAML 1.2 core schema gives a plain scalar.
pub fn core(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let (_, digits) = split_sign(text);
    let starts = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = if let Some(hex) = text.strip_prefix("0x") {
        i64::from_str_radix(hex, 16).ok().map(Value::Int)
    } else if let Some(octal) = text.strip_prefix("0o") {
        i64::from_str_radix(octal, 8).ok().map(Value::Int)
    } else if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok().map(Value::Int)
    } else if starts
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
    {
        text.parse().ok().map(Value::Float)
    } else {
        None
    };
    number.unwrap_or_else(|| Value::Str(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn psych_types_scalars_as_ruby_does() {
        let text = |t: &str| Value::Str(t.to_owned());
        for (plain, value) in [
            ("5432", Value::Int(5432)),
            ("5432,5433", Value::Int(54_325_433)),
            ("1_000", Value::Int(1000)),
            ("017", Value::Int(15)),
            ("0x1F", Value::Int(31)),
            ("1:30", Value::Int(5400)),
            ("::1", text(":1")),
            (":sym", text("sym")),
            ("Yes", Value::Bool(true)),
            ("off", Value::Bool(false)),
            ("y", text("y")),
            ("NULL", Value::Null),
            ("~", Value::Null),
            ("10.0.0.9", text("10.0.0.9")),
            ("1.5", Value::Float(1.5)),
            ("6.1.7", text("6.1.7")),
            ("127.0.0.1:5432", text("127.0.0.1:5432")),
            ("fd00::5", text("fd00::5")),
            ("08", text("08")),
            ("-", text("-")),
        ] {
            assert_eq!(psych(plain), value, "{plain}");
        }
    }

    #[test]
    fn the_core_schema_knows_fewer_words() {
        assert_eq!(core("on"), Value::Str("on".into()));
        assert_eq!(core("0o17"), Value::Int(15));
        assert_eq!(core("5432,5433"), Value::Str("5432,5433".into()));
    }
}
