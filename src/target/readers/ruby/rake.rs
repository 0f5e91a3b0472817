//! What a Rakefile defines: tasks with their namespaces, prerequisites and arguments.

use super::ast::{Call, Expr, Kind};
use super::eval::{Fact, Outcome, Ruby, TaskDefinition};
use super::value::{Rb, Val};

impl Ruby<'_> {
    /// `task`, `namespace` and their relatives.
    pub(super) fn rake_definition(&mut self, call: &Call, line: usize) -> Outcome {
        let args = self.arguments(&call.args)?;
        if call.name == "namespace" {
            let name = args.first().and_then(|a| a.to_text().ok());
            let Some(block) = &call.block else {
                return Ok(Val::nil());
            };
            self.scope.push(name.unwrap_or_else(|| "?".into()));
            let result = self.yield_to(block, &[]);
            self.scope.pop();
            return result;
        }
        let mut prerequisites = Vec::new();
        let mut params = Vec::new();
        let mut name = None;
        for arg in &args {
            match &arg.rb {
                Rb::Hash(pairs) => {
                    for (key, value) in pairs {
                        match (&name, &key.rb) {
                            (None, Rb::List(_)) => params.extend(names(key)),
                            (None, _) => name = key.to_text().ok(),
                            (Some(_), Rb::List(_)) => params.extend(names(key)),
                            (Some(_), _) => {}
                        }
                        prerequisites.extend(names(value));
                    }
                }
                Rb::List(_) => params.extend(names(arg)),
                _ if name.is_none() => name = arg.to_text().ok(),
                _ => params.extend(names(arg)),
            }
        }
        let Some(name) = name else {
            self.facts.push(Fact::Opaque(format!(
                "a task at {}:{line} whose name is not known",
                self.shown
            )));
            return Ok(Val::nil());
        };
        let mut full = self.scope.clone();
        full.push(name);
        self.facts.push(Fact::Task(Box::new(TaskDefinition {
            name: full.join(":"),
            scope: self.scope.clone(),
            prerequisites,
            params,
            body: call.block.clone(),
            locals: self.locals.clone(),
            file: self.shown.clone(),
            line,
        })));
        Ok(Val::nil())
    }
}

fn names(value: &Val) -> Vec<String> {
    match &value.rb {
        Rb::List(items) => items.iter().filter_map(|i| i.to_text().ok()).collect(),
        Rb::Nil | Rb::Unknown(_) => Vec::new(),
        _ => value.to_text().into_iter().collect(),
    }
}

/// Whether a tree mentions a constant or a call of that name anywhere.
pub fn mentions(body: &[Expr], name: &str) -> bool {
    let text = format!("{body:?}");
    text.contains(&format!("\"{name}\""))
}

/// Whether an expression is a literal.
pub fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Nil | Kind::Bool(_) | Kind::Int(_) | Kind::Float(_) | Kind::Sym(_) => true,
        Kind::Str(parts) => parts.iter().all(|p| matches!(p, super::ast::Part::Text(_))),
        _ => false,
    }
}
