//! Conditions in CEL, bounded in size, in which what is missing is null.

use std::sync::Arc;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use cel::common::types::CelString;
use cel::objects::Key;
use cel::{Context, DeclarationError, Env, ExecutionError, Value as Cel};
use serde_json::Value;

/// Characters of one condition.
const LONGEST: usize = 2000;
/// Brackets inside brackets, and operators in all: the parser of conditions goes down a level for each.
const NESTED: usize = 12;
const OPERATORS: usize = 100;
/// Bytes of stack for the parser: the recursion of its generated code is deeper than what a thread usually has.
const STACK: usize = 32 << 20;
/// Loops inside loops: more of them could take for ever on one large object.
const DEEPEST: usize = 2;
/// Values in the object that a condition looks at.
const LARGEST: usize = 20_000;
const VARIABLES: [&str; 4] = ["object", "request", "user", "now"];

const FIELD: &str = "midwatch_field";
const HAS: &str = "midwatch_has";

#[derive(Debug, Clone)]
pub struct Condition {
    expression: IdedExpr,
}

impl Condition {
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the condition is longer than {LONGEST} characters"));
        }
        shallow(text)?;
        let source = text.to_owned();
        let parse = move || Env::stdlib().compile(&source).map(|program| program.expression().clone());
        let parsed = std::thread::Builder::new().stack_size(STACK).spawn(parse).map(std::thread::JoinHandle::join);
        let Ok(Ok(parsed)) = parsed else {
            return Err("it cannot be read".to_owned());
        };
        let mut expression = parsed.map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?;
        lenient(&mut expression, &mut Vec::new())?;
        let condition = Self { expression };
        // A function that does not exist would only be found out when it is too late.
        match condition.resolve(&VARIABLES.map(|name| (name, &Value::Null))) {
            Err(Failure::Cel(ExecutionError::UndeclaredReference(name))) => Err(format!("there is no function {name}")),
            _ => Ok(condition),
        }
    }

    /// Whether it holds; an error where it cannot be told.
    pub fn holds(&self, variables: &[(&'static str, &Value)]) -> Result<bool, String> {
        match self.resolve(variables) {
            Ok(Cel::Bool(holds)) => Ok(holds),
            Ok(other) => Err(format!("it gives no yes or no but a {}", other.type_of())),
            Err(Failure::TooLarge) => Err("the object is too large for a condition".to_owned()),
            Err(Failure::Cel(error)) => Err(error.to_string()),
            Err(Failure::Set(error)) => Err(error.to_string()),
        }
    }

    fn resolve(&self, variables: &[(&'static str, &Value)]) -> Result<Cel, Failure> {
        let mut context = Context::with_env(Arc::new(Env::stdlib()));
        context.add_function(FIELD, field).map_err(Failure::Set)?;
        context.add_function(HAS, has).map_err(Failure::Set)?;
        let mut room = LARGEST;
        for (name, value) in variables {
            let value = value_of(value, &mut room).ok_or(Failure::TooLarge)?;
            context.add_variable_from_value(*name, value);
        }
        context.resolve(&self.expression).map_err(Failure::Cel)
    }
}

fn shallow(text: &str) -> Result<(), String> {
    let (mut open, mut operators) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b'!' | b'-' | b'+' | b'*' | b'/' | b'%' | b'?' | b'|' | b'&' | b'.' | b'<' | b'>' | b'=' => operators += 1,
            _ => {}
        }
        if open > NESTED || operators > OPERATORS {
            return Err(format!("more than {NESTED} brackets inside each other, or more than {OPERATORS} operators"));
        }
    }
    Ok(())
}

enum Failure {
    TooLarge,
    Set(DeclarationError),
    Cel(ExecutionError),
}

fn value_of(value: &Value, room: &mut usize) -> Option<Cel> {
    *room = room.checked_sub(1)?;
    Some(match value {
        Value::Null => Cel::Null,
        Value::Bool(yes) => Cel::Bool(*yes),
        // All of Kubernetes' numbers are signed, and CEL does not compare the two kinds.
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Cel::Int(integer),
            (None, Some(large)) => Cel::UInt(large),
            (None, None) => Cel::Float(number.as_f64()?),
        },
        Value::String(text) => Cel::String(Arc::new(text.clone())),
        Value::Array(items) => {
            Cel::List(Arc::new(items.iter().map(|item| value_of(item, room)).collect::<Option<Vec<_>>>()?))
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| Some((key.clone(), value_of(value, room)?)));
            let entries = entries.collect::<Option<std::collections::HashMap<String, Cel>>>()?;
            Cel::Map(entries.into())
        }
    })
}

/// An object that lacks a field is the ordinary case in Kubernetes: `a.b` and `a['b']` become a look-up that gives null.
fn lenient(expression: &mut IdedExpr, bound: &mut Vec<String>) -> Result<(), String> {
    match &mut expression.expr {
        Expr::Select(SelectExpr { operand, field, test }) => {
            lenient(operand, bound)?;
            let key = IdedExpr {
                id: expression.id,
                expr: Expr::Literal(LiteralValue::String(CelString::from(field.clone()))),
            };
            let call = CallExpr {
                func_name: if *test { HAS } else { FIELD }.to_owned(),
                target: None,
                args: vec![std::mem::take(operand), key],
            };
            expression.expr = Expr::Call(call);
        }
        Expr::Call(call) => {
            if let Some(target) = &mut call.target {
                lenient(target, bound)?;
            }
            for argument in &mut call.args {
                lenient(argument, bound)?;
            }
            if call.func_name == operators::INDEX {
                call.func_name = FIELD.to_owned();
            }
        }
        Expr::Comprehension(inner) => {
            lenient(&mut inner.iter_range, bound)?;
            let outside = bound.len();
            // Each loop binds three names.
            if outside >= DEEPEST * 3 {
                return Err(format!("more than {DEEPEST} loops stand inside each other"));
            }
            bound.extend([inner.iter_var.clone(), inner.accu_var.clone()]);
            bound.push(inner.iter_var2.clone().unwrap_or_default());
            for part in [&mut inner.accu_init, &mut inner.loop_cond, &mut inner.loop_step, &mut inner.result] {
                lenient(part, bound)?;
            }
            bound.truncate(outside);
        }
        Expr::List(list) => {
            for element in &mut list.elements {
                lenient(element, bound)?;
            }
        }
        Expr::Map(map) => {
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    lenient(&mut entry.key, bound)?;
                    lenient(&mut entry.value, bound)?;
                }
            }
        }
        Expr::Struct(_) => return Err("types are not made in a condition".to_owned()),
        Expr::Ident(name) if !VARIABLES.contains(&name.as_str()) && !bound.contains(name) => {
            return Err(format!("{name:?} is not known; there are {}", VARIABLES.join(", ")));
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {}
    }
    Ok(())
}

fn field(of: Cel, key: Cel) -> Result<Cel, ExecutionError> {
    match (of, key) {
        (Cel::Null, _) => Ok(Cel::Null),
        (Cel::Map(map), Cel::String(key)) => Ok(map.map.get(&Key::String(key)).cloned().unwrap_or(Cel::Null)),
        (Cel::List(items), Cel::Int(at)) => {
            Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().unwrap_or(Cel::Null))
        }
        (of, _) => Err(ExecutionError::function_error("field", format!("a {} has no fields", of.type_of()))),
    }
}

fn has(of: Cel, key: Cel) -> Result<Cel, ExecutionError> {
    field(of, key).map(|value| Cel::Bool(value != Cel::Null))
}

#[cfg(test)]
mod test {
    use serde_json::json;

    use super::*;

    fn holds(text: &str) -> Result<bool, String> {
        let object = json!({
            "metadata": {"name": "web", "labels": {"app": "web", "example.com/tier": "prod"}},
            "spec": {"replicas": 3, "containers": [{"image": "a:1"}, {"image": "b:1"}]}});
        let request = json!({"verb": "delete"});
        let user = json!({"name": "alice", "groups": ["oncall"]});
        let now = json!({"hour": 23, "weekday": 5});
        let variables = [("object", &object), ("request", &request), ("user", &user), ("now", &now)];
        Condition::parse(text)?.holds(&variables)
    }

    #[test]
    fn what_is_missing_is_null() {
        for (text, expected) in [
            ("object.metadata.annotations['aiops/freeze'] == 'true'", false),
            ("object.metadata.annotations['aiops/freeze'] != 'true'", true),
            ("object.metadata.labels['example.com/tier'] == 'prod'", true),
            ("has(object.metadata.labels)", true),
            ("has(object.metadata.annotations)", false),
            ("has(object.nothing.at.all)", false),
            ("object.spec.replicas > 2", true),
            ("object.spec.containers.all(c, c.image.endsWith(':1'))", true),
            ("object.spec.containers.exists(c, c.image == 'x')", false),
            ("object.spec.containers[1].image == 'b:1'", true),
            ("object.spec.containers[7].image == null", true),
            ("'oncall' in user.groups && request.verb == 'delete'", true),
            ("now.hour >= 22 || now.hour < 6", true),
            ("object.metadata.name.matches('^w.b$')", true),
            ("size(object.spec.containers) == 2", true),
            ("true", true),
        ] {
            assert_eq!(holds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_an_error() {
        for text in [
            "object.spec.replicas",
            "object.spec.missing > 3",
            "object.metadata.name > 3",
            "object.metadata.missing.startsWith('a')",
            "object.spec.missing.all(c, true)",
            "1 / 0 == 1",
            "object.metadata.name.foo == 'x'",
            "nosuch(1)",
        ] {
            assert!(holds(text).is_err(), "{text}: {:?}", holds(text));
        }
    }

    #[test]
    fn conditions_are_bounded_and_know_their_variables() {
        for text in
            ["", "object.", "secret == 1", "[1].all(a, [1].all(b, [1].all(c, true)))", "object.metadata.name = 'a'"]
        {
            assert!(Condition::parse(text).is_err(), "{text}");
        }
        assert!(Condition::parse(&format!("true{}", " || true".repeat(1000))).is_err());
        for deep in ["(", "[", "!", "-", "a.", "a?", "a||"] {
            for count in [12, 50, 100, 500] {
                // Whether it can be read is one thing; that it ends is the other.
                let _ = Condition::parse(&deep.repeat(count));
            }
        }
        assert!(Condition::parse(&format!("true{}", " || true".repeat(49))).is_ok());
        let large = json!(vec![0; LARGEST + 1]);
        assert!(Condition::parse("true").unwrap().holds(&[("object", &large)]).is_err());
    }
}
