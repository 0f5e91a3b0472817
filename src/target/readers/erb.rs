//! ERB templates, evaluated by the Ruby reader: text with the place of every part. Trim modes are
//! off, as the loaders of configuration have them.

use std::cell::Cell;
use std::rc::Rc;

use super::UNKNOWN_MARK;
use super::ruby::{self, Flow, Origin, Piece, Ruby};
use super::yaml::{Place, Span};
use crate::source::Source;

/// Why a template gives no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErbError {
    /// Ruby itself rejects it.
    Syntax(usize),
    /// Evaluating it raises an exception, in its words.
    Raises(String, usize),
    /// This reader cannot follow it.
    Unread(String, usize),
}

impl ErbError {
    /// The line at which it happens.
    pub fn line(&self) -> usize {
        match self {
            ErbError::Syntax(line) | ErbError::Raises(_, line) | ErbError::Unread(_, line) => *line,
        }
    }
}

/// A part of the rendered text.
#[derive(Debug, Clone)]
struct Segment {
    start: usize,
    end: usize,
    /// Line of the template where the part starts.
    line: usize,
    /// Its line breaks are the template's own.
    literal: bool,
    origin: Option<Origin>,
    unknown: Option<String>,
}

/// A rendered template.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The text; what is not known is marked.
    pub text: String,
    shown: String,
    segments: Vec<Segment>,
    /// Of a literal segment: its start, an offset in it, and the newlines up to there. Values are
    /// asked for in order.
    counted: Cell<(usize, usize, usize)>,
}

impl Rendered {
    /// A text that is no template.
    pub fn plain(text: String, shown: &str) -> Self {
        let segment = Segment {
            start: 0,
            end: text.len(),
            line: 1,
            literal: true,
            origin: None,
            unknown: None,
        };
        Rendered {
            text,
            shown: shown.to_owned(),
            segments: vec![segment],
            counted: Cell::default(),
        }
    }

    /// What is known about the text at a span.
    pub fn place(&self, span: Span) -> Place {
        let from = self.segments.partition_point(|s| s.end <= span.start);
        // An empty value belongs to the part behind which it stands.
        let from = if span.is_empty() {
            from.saturating_sub(1)
        } else {
            from
        };
        let touched: Vec<&Segment> = self
            .segments
            .get(from..)
            .unwrap_or(&[])
            .iter()
            .take_while(|s| s.start < span.end || span.is_empty() && s.start <= span.start)
            .collect();
        let mut place = Place::at(Source::project_file(&self.shown, self.line_at(span.start)));
        place.unknown = touched.iter().find_map(|s| s.unknown.clone());
        if let Some(origin) = touched.iter().find_map(|s| s.origin.clone()) {
            place.beat = origin.beat;
            place.source = origin.source;
        }
        place
    }

    /// The template's line for an offset of the text.
    pub fn line_at(&self, offset: usize) -> usize {
        let number = self
            .segments
            .partition_point(|s| s.start <= offset)
            .saturating_sub(1);
        let Some(segment) = self.segments.get(number) else {
            return 1;
        };
        if !segment.literal {
            return segment.line;
        }
        let (start, passed, before) = self.counted.get();
        let (from, before) = match start == segment.start && passed <= offset {
            true => (passed, before),
            false => (segment.start, 0),
        };
        let part = self.text.get(from..offset).unwrap_or("");
        let breaks = before + part.matches('\n').count();
        self.counted.set((segment.start, offset, breaks));
        segment.line + breaks
    }
}

impl Rendered {
    /// Whether anything of the text is unknown.
    pub fn has_unknown_shape(&self) -> bool {
        self.segments.iter().any(|s| s.unknown.is_some())
    }
}

/// The template with every tag taken out.
pub fn emptied(template: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find("<%") {
        out.push_str(&rest[..at]);
        let tag = &rest[at..];
        if let Some(after) = tag.strip_prefix("<%%") {
            out.push_str("<%");
            rest = after;
            continue;
        }
        rest = tag.find("%>").map_or("", |end| &tag[end + 2..]);
    }
    out.push_str(rest);
    out
}

/// Renders a template.
///
/// # Errors
/// Where Ruby rejects it, evaluating raises, or this reader cannot follow it.
pub fn render(template: &str, ruby: &mut Ruby<'_>) -> Result<Rendered, ErbError> {
    if !template.contains("<%") {
        return Ok(Rendered::plain(template.to_owned(), &ruby.shown));
    }
    if template.contains(UNKNOWN_MARK) {
        return Err(ErbError::Unread("a private-use character".into(), 1));
    }
    let (program, pieces) = compile(template)?;
    let body = ruby::parse(&program).map_err(|e| ErbError::Unread(e.what.to_owned(), e.line))?;
    let outer = std::mem::replace(&mut ruby.pieces, Rc::new(pieces));
    let printed = std::mem::take(&mut ruby.out);
    let result = ruby.run(&body);
    ruby.pieces = outer;
    let out = std::mem::replace(&mut ruby.out, printed);
    match result {
        Ok(_) | Err(Flow::Leave(_)) => {}
        Err(Flow::Raise(what, line)) => return Err(ErbError::Raises(what, line)),
        Err(Flow::Exit) => return Err(ErbError::Raises("exit".into(), 1)),
    }
    let mut rendered = Rendered {
        text: String::new(),
        shown: ruby.shown.clone(),
        segments: Vec::new(),
        counted: Cell::default(),
    };
    for part in out {
        let start = rendered.text.len();
        let mut unknown = part.doubt;
        match part.text {
            Ok(text) => rendered.text.push_str(&text),
            Err(why) => {
                rendered.text.push(UNKNOWN_MARK);
                unknown.get_or_insert(why);
            }
        }
        if rendered.text.len() > crate::files::MAX_FILE as usize {
            return Err(ErbError::Unread("too much text".into(), part.line));
        }
        rendered.segments.push(Segment {
            start,
            end: rendered.text.len(),
            line: part.line,
            literal: part.literal,
            origin: part.origin,
            unknown,
        });
    }
    Ok(rendered)
}

/// Turns a template into a Ruby program that prints its pieces by number. Line breaks stay where
/// they are, so that lines of the program are lines of the template.
fn compile(template: &str) -> Result<(String, Vec<Piece>), ErbError> {
    let mut program = String::new();
    let mut pieces = Vec::new();
    let mut line = 1;
    let mut rest = template;
    let mut text = String::new();
    let mut text_line = 1;
    while let Some(at) = rest.find("<%") {
        text.push_str(&rest[..at]);
        line += rest[..at].matches('\n').count();
        rest = &rest[at + 2..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push_str("<%");
            rest = after;
            continue;
        }
        flush(&mut program, &mut pieces, &mut text, text_line);
        let Some(end) = rest.find("%>") else {
            return Err(ErbError::Unread("a tag is not closed".into(), line));
        };
        let code = &rest[..end];
        let breaks = code.matches('\n').count();
        tag(&mut program, &mut pieces, code, line)?;
        line += breaks;
        rest = &rest[end + 2..];
        text_line = line;
    }
    text.push_str(rest);
    flush(&mut program, &mut pieces, &mut text, text_line);
    Ok((program, pieces))
}

fn flush(program: &mut String, pieces: &mut Vec<Piece>, text: &mut String, line: usize) {
    if text.is_empty() {
        return;
    }
    let text = std::mem::take(text).replace("%%>", "%>");
    program.push_str(&format!(";__piece__({});", pieces.len()));
    program.extend(std::iter::repeat_n('\n', text.matches('\n').count()));
    pieces.push(Piece::Text(text, line));
}

fn tag(
    program: &mut String,
    pieces: &mut Vec<Piece>,
    code: &str,
    line: usize,
) -> Result<(), ErbError> {
    let breaks = code.matches('\n').count();
    if code.starts_with('#') {
        program.extend(std::iter::repeat_n('\n', breaks));
        return Ok(());
    }
    if let Some(expression) = code.strip_prefix('=') {
        if expression.trim_end().ends_with('-') {
            return Err(ErbError::Syntax(line));
        }
        let unread = |what: &str| {
            let why = format!("(\"{}\")", what.replace(['"', '\\', '#'], "'"));
            ruby::parse_from(&format!("__unread__{why}"), line).unwrap_or_default()
        };
        let body = ruby::parse_from(expression, line)
            .unwrap_or_else(|_| unread(&format!("`{}`", expression.trim())));
        program.push_str(&format!(";__piece__({});", pieces.len()));
        program.extend(std::iter::repeat_n('\n', breaks));
        pieces.push(Piece::Output(body, line));
        return Ok(());
    }
    let trimmed = code.trim();
    // Trim marks are Ruby operators here.
    if code.starts_with('-') || code.ends_with('-') {
        return Err(ErbError::Syntax(line));
    }
    program.push(';');
    if ruby::parse_from(code, line).is_err() && !is_control(trimmed) {
        program.push_str("__unread__(\"code\")");
        program.extend(std::iter::repeat_n('\n', breaks));
    } else {
        program.push_str(code);
    }
    // A comment in the tag ends with it.
    program.push(if code.contains('#') { '\n' } else { ';' });
    Ok(())
}

/// Whether a tag's code is a part of a statement that other tags complete.
fn is_control(code: &str) -> bool {
    let first = code
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .next()
        .unwrap_or("");
    let starts = matches!(
        first,
        "if" | "unless"
            | "else"
            | "elsif"
            | "end"
            | "case"
            | "when"
            | "begin"
            | "rescue"
            | "ensure"
            | "while"
            | "until"
            | "for"
    );
    starts || code.starts_with('}') || code.ends_with('{') || code.ends_with('|') || {
        code.split_whitespace().last() == Some("do")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::environment::Vars;
    use crate::files::Memory;
    use crate::source::SourceKind;
    use crate::target::readers::yaml::{self, Schema};
    use crate::target::{Traced, Value};

    fn read(template: &str, vars: &[(&str, &str)]) -> Result<Traced, ErbError> {
        let files = Memory::new().with("/app/config/db_host", "db.internal\n");
        let mut env = Vars::new();
        for (name, value) in vars {
            env.set(*name, value, Source::new(SourceKind::Inherited, "caller"));
        }
        let mut ruby = Ruby::new(&files, "/app".into(), env);
        ruby.shown = "config/database.yml".into();
        ruby.rails_env = Some("development".into());
        let rendered = render(template, &mut ruby)?;
        let node = yaml::parse(&rendered.text)
            .map_err(|e| ErbError::Unread(format!("{e}: {}", rendered.text), e.line))?;
        yaml::compose(&node, Schema::Psych, &|span| rendered.place(span))
            .map_err(|e| ErbError::Unread(e.to_string(), e.line))
    }

    fn value(template: &str, vars: &[(&str, &str)]) -> Traced {
        let text = format!("a: {template}\n");
        read(&text, vars).unwrap().get("a").unwrap().clone()
    }

    #[test]
    fn values_are_what_ruby_would_print() {
        let vars = [
            ("SET", "x.internal"),
            ("EMPTY", ""),
            ("N", "7"),
            ("URL", "postgres://h/d"),
        ];
        for (template, expected) in [
            ("<%= ENV['SET'] %>", "x.internal"),
            ("<%= ENV['NOT'] || 'd' %>", "d"),
            ("<%= ENV['EMPTY'].presence || \"d\" %>", "d"),
            ("<%= ENV.fetch('SET', 'd') %>", "x.internal"),
            ("<%= ENV.fetch('NOT') { ENV.fetch('SET') } %>", "x.internal"),
            ("<%= ENV['SET'] ? 'yes_' : 'no_' %>", "yes_"),
            ("<%= ENV['N'].to_i > 5 ? \"big\" : 'small' %>", "big"),
            ("shop_<%= Rails.env %>", "shop_development"),
            (
                "<%= Rails.env.production? ? 'p' : \"d-#{Rails.env}\" %>",
                "d-development",
            ),
            ("<%= \"a#{ENV['NOT']}b\" %>", "ab"),
            (
                "<%= File.read(Rails.root.join('config/db_host')).strip %>",
                "db.internal",
            ),
            (
                "<%= ENV['URL'].to_s.match?(/\\Apostgres(ql)?:/) ? 'pg' : 'my' %>",
                "pg",
            ),
            ("<%= URI.parse(ENV['URL']).host %>", "h"),
            ("<%= ['a', 'b'].detect { |x| x == 'b' } %>", "b"),
            ("<%= ENV['SET'].sub('internal', 'test').upcase %>", "X.TEST"),
            ("<%= ENV['SET'].split('.').first %>", "x"),
            ("<%= ENV['SET']&.split('.')&.last %>", "internal"),
            ("<%= 'x' unless ENV['SET'] %>y", "y"),
            ("<%= { 'development' => 'dd' }[Rails.env] %>", "dd"),
            ("<%= %w[one two].join('-') %>", "one-two"),
            ("<%= (ENV['NOT'] || 'q').to_json %>", "q"),
            ("<%= ENV['DB'] || File.basename(Dir.pwd) %>", "app"),
        ] {
            let got = value(template, &vars);
            assert_eq!(got.as_str(), Some(expected), "{template}: {got:?}");
        }
    }

    #[test]
    fn provenance_names_the_variable_and_what_it_beat() {
        let got = value("<%= ENV.fetch('H', 'localhost') %>", &[("H", "prod")]);
        assert_eq!(got.source.text(), "caller (H)");
        assert_eq!(got.beat[0].text(), "config/database.yml:1 (default)");
        let got = value("<%= ENV.fetch('H', 'localhost') %>", &[]);
        assert_eq!(got.source.text(), "config/database.yml:1");
    }

    #[test]
    fn an_unknown_part_poisons_nothing_else() {
        let text = "a: <%= Settings.x %>\nb: two\n<% if Foo.bar? %>\nc: 3\n<% else %>\nc: 4\n<% end %>\nd: x<%= Foo.y %>z\ne: <%= weird {{ %>\nf: 6\n";
        let read = read(text, &[]).unwrap();
        let known = |key: &str| read.get(key).unwrap().why_unknown().is_none();
        assert_eq!(
            ["a", "b", "c", "d", "e", "f"].map(known),
            [false, true, false, false, false, true],
            "{read:?}"
        );
        assert_eq!(
            read.get("f").unwrap().source.text(),
            "config/database.yml:10"
        );
    }

    #[test]
    fn branches_and_locals_are_followed() {
        let text = "<% host = ENV['H'] || 'local' %>\n<% if ENV['H'] %>\na: <%= host %>\n<% else %>\nb: <%= host %>\n<% end %>\n<% %w[x y].each do |n| %>\n<%= n %>1: <%= n %>\n<% end %>\n";
        let got = read(text, &[("H", "prod")]).unwrap();
        assert_eq!(got.get("a").and_then(Traced::as_str), Some("prod"));
        assert!(got.get("b").is_none());
        assert_eq!(got.get("y1").and_then(Traced::as_str), Some("y"));
    }

    #[test]
    fn ruby_errors_are_told_apart_from_what_is_not_read() {
        assert!(matches!(
            read("a: 1\n<%- if true -%>\n", &[]),
            Err(ErbError::Syntax(2))
        ));
        assert!(matches!(
            read("# <%= ENV.fetch('NOPE') %>\n", &[]),
            Err(ErbError::Raises(_, 1))
        ));
        let got = read("a: <%# ENV.fetch('X') %>1\nb: <%%= x %%>\n", &[]).unwrap();
        assert_eq!(got.get("a").unwrap().value, Value::Int(1));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z0-9 \\n:<%=>#'\"{}|.\\[\\]()ENV?&-]{0,80}") {
            let _ = read(&text, &[]);
        }
    }
}
