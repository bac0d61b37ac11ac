//! Ready-made questions that a person picks in the client's menu.

use rmcp::ErrorData;
use rmcp::model::{GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role};
use serde_json::Value;

/// No answer to a prompt's argument needs to be longer.
const LONGEST: usize = 500;

pub fn listed() -> Vec<Prompt> {
    let argument = |name: &str, description: &str, required: bool| {
        PromptArgument::new(name).with_description(description).with_required(required)
    };
    vec![
        Prompt::new(
            "investigate",
            Some("Find the cause of what an alert, a user or a pod complains about"),
            Some(vec![
                argument("what", "The alert's name, an object as kind/name, or the complaint in words", true),
                argument("namespace", "Where it is", false),
            ]),
        )
        .with_title("Investigate"),
        Prompt::new(
            "cluster-health-check",
            Some("Say what is wrong in the cluster or in one namespace, worst first"),
            Some(vec![
                argument("namespace", "Only this namespace", false),
                argument("check_events", "Look at warning events too (true or false, default true)", false),
            ]),
        )
        .with_title("Cluster health check"),
    ]
}

pub fn worded(name: &str, arguments: Option<&JsonObject>) -> Result<GetPromptResult, ErrorData> {
    let Some(prompt) = listed().into_iter().find(|prompt| prompt.name == name) else {
        return Err(ErrorData::invalid_params(format!("Unknown prompt: {name}"), None));
    };
    let known = prompt.arguments.unwrap_or_default();
    for (key, value) in arguments.into_iter().flatten() {
        if !known.iter().any(|argument| argument.name == *key) {
            return Err(ErrorData::invalid_params(format!("argument {key}: there is no such argument"), None));
        }
        if value.as_str().is_none_or(|text| text.len() > LONGEST) {
            let why = format!("argument {key}: it has to be a string of at most {LONGEST} bytes");
            return Err(ErrorData::invalid_params(why, None));
        }
    }
    let given = |key: &str| arguments.and_then(|a| a.get(key)).and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = match name {
        "investigate" => {
            let what = given("what").ok_or_else(|| ErrorData::invalid_params("argument what: it is required", None))?;
            investigate(what, given("namespace"))
        }
        _ => health_check(given("namespace"), given("check_events") != Some("false")),
    };
    let description = prompt.description.unwrap_or_default();
    Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]).with_description(description))
}

fn investigate(what: &str, namespace: Option<&str>) -> String {
    let place = namespace.map(|namespace| format!(" in namespace {namespace}")).unwrap_or_default();
    format!(
        "Find the cause of this{place}: {what}\n\nCall diagnose first and believe its causes over your own guesses. Where it \
         names no cause, look with describe, changes and logs_search. Then say in a few sentences what is wrong, why, on what \
         evidence, and what would mend it. Say what you could not read. Propose a change only if I ask for it."
    )
}

fn health_check(namespace: Option<&str>, events: bool) -> String {
    let place = namespace.map_or("the cluster".to_owned(), |namespace| format!("namespace {namespace}"));
    let scope = namespace.map(|namespace| format!(" with namespace {namespace}")).unwrap_or_default();
    let events =
        if events { " Then look at the warnings of events_list for what diagnose did not explain." } else { "" };
    format!(
        "Check the health of {place}. Call diagnose{scope}.{events} Answer with a list, worst first: the object, what is wrong, \
         the cause, how to mend it. If all is well, say so in one sentence. Say what could not be read."
    )
}
