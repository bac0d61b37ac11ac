//! Random input: states, the front, arguments. `FUZZ_CASES` makes it long.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tools::{Bound, Seals, TOOLS, accept};

use super::harness::{post, send, subject};

fn cases(short: u32) -> ProptestConfig {
    with(long().unwrap_or(short))
}

/// For cases that each start a server of their own.
fn slow_cases(short: u32) -> ProptestConfig {
    with(long().map_or(short, |cases| cases.div_ceil(100)))
}

fn long() -> Option<u32> {
    std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok())
}

fn with(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "[a-z0-9./%-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z_]{1,12}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Arguments that are often right: names of the tool's own properties, with any value.
fn arguments() -> impl Strategy<Value = (usize, Map<String, Value>)> {
    (0..TOOLS.len()).prop_flat_map(|tool| {
        let schema = (TOOLS[tool].input)();
        let names: Vec<String> = schema["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
        let names = if names.is_empty() { vec!["none".to_owned()] } else { names };
        let key = prop_oneof![4 => prop::sample::select(names), 1 => "[a-z]{1,8}"];
        let value = prop_oneof![2 => "[a-z0-9-]{1,10}".prop_map(Value::from), 1 => (0i64..100).prop_map(Value::from), 2 => json_value()];
        (Just(tool), prop::collection::hash_map(key, value, 0..6).prop_map(|map| map.into_iter().collect()))
    })
}

/// A second, slower reading of the schemas that our tools use.
fn fits(schema: &Value, value: &Value) -> bool {
    let right_type = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("integer") => {
            value.as_i64().is_some() || value.as_u64().is_some() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.as_array().is_some_and(|items| items.iter().all(|item| fits(&schema["items"], item))),
        Some("object") => value.as_object().is_some_and(|map| {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let present = required.iter().all(|name| map.contains_key(name.as_str().unwrap()));
            let known = map.iter().all(|(key, inner)| match schema["properties"].get(key) {
                Some(property) => fits(property, inner),
                None => schema["additionalProperties"] != json!(false),
            });
            present && known
        }),
        _ => true,
    };
    let listed = schema["enum"].as_array().is_none_or(|allowed| allowed.contains(value));
    right_type && listed
}

proptest! {
    #![proptest_config(cases(256))]

    /// Target 8: a state opens for its own caller, tool, arguments and time, once, and for nothing else.
    #[test]
    fn m08_states_open_only_where_they_were_made(
        names in prop::array::uniform3("[a-z]{1,8}"), content in ".{0,40}", other in 0usize..3, bit in 0usize..4096,
        minutes in 0i64..60,
    ) {
        let seals = Seals::new().unwrap();
        let now = Timestamp::from_second(1_764_000_000).unwrap();
        let bound = Bound { principal: &names[0], tool: &names[1], digest: &names[2] };
        let state = seals.seal(&bound, &content, now).unwrap();

        let strange = "someone else".to_owned();
        let mut parts = [&names[0], &names[1], &names[2]];
        parts[other] = &strange;
        let foreign = Bound { principal: parts[0], tool: parts[1], digest: parts[2] };
        prop_assert_eq!(seals.open(&state, &foreign, now), None);

        let mut turned = state.clone().into_bytes();
        let at = bit % (turned.len() * 7);
        turned[at / 7] ^= 1 << (at % 7);
        if let Ok(turned) = String::from_utf8(turned) {
            prop_assert_eq!(seals.open(&turned, &bound, now), None);
        }
        prop_assert_eq!(Seals::new().unwrap().open(&state, &bound, now), None);

        let later = now + jiff::SignedDuration::from_mins(minutes);
        let opened = seals.open(&state, &bound, later);
        prop_assert_eq!(opened, (minutes < 15).then(|| content.clone()));
        prop_assert_eq!(seals.open(&state, &bound, now), (minutes >= 15).then_some(content));
        prop_assert_eq!(seals.open(&state, &bound, now), None);
    }

    /// Target 12: what is accepted fits the schema, and is accepted again as it is.
    #[test]
    fn m11_accepted_arguments_fit_their_schema((tool, given) in arguments()) {
        let tool = TOOLS[tool];
        let schema = (tool.input)();
        if let Ok(accepted) = accept(&schema, tool.old_spellings, given) {
            prop_assert!(fits(&schema, &Value::Object(accepted.clone())), "{}: {:?}", tool.name, accepted);
            prop_assert_eq!(accept(&schema, tool.old_spellings, accepted.clone()).ok(), Some(accepted));
        }
    }
}

proptest! {
    #![proptest_config(slow_cases(48))]

    /// Target 12: no argument turns into another path of the API server.
    #[test]
    fn m11_no_argument_leaves_its_segment_of_a_path(name in r"[a-z%2fF./?#\\\\ ]{1,16}", namespace in r"[a-z%./?#]{1,8}") {
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let subject = subject();
        drop(entered);
        for tool in ["pods_get", "pods_log", "resources_get"] {
            let mut arguments = json!({"name": name, "namespace": namespace});
            if tool == "resources_get" {
                arguments["apiVersion"] = "v1".into();
                arguments["kind"] = "Pod".into();
            }
            let answer = runtime.block_on(super::harness::call(tool, arguments).to(&subject));
            prop_assert_eq!(answer.status, http::StatusCode::OK);
        }
        for path in subject.hands.paths.lock().unwrap().iter() {
            let plain = path.starts_with("/api") || path.starts_with("/apis") || path == "/version";
            prop_assert!(plain && !path.contains("..") && !path.to_lowercase().contains("%2f"), "{}", path);
        }
    }

    /// Target 9: the front answers everything, and a mismatch never reaches a tool.
    #[test]
    fn m09_the_front_answers_any_message(
        method in prop_oneof!["[a-z/]{0,20}", Just("tools/call".to_owned()), Just("tools/list".to_owned()), Just("initialize".to_owned())],
        params in json_value(), header in "[a-zA-Z/=?]{0,20}", version in prop_oneof!["[0-9-]{0,10}", Just("2026-07-28".to_owned()), Just("2025-11-25".to_owned())],
        raw in prop::option::of(".{0,60}"),
    ) {
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let subject = subject();
        drop(entered);
        let mut asked = post("tools/list", json!({})).with("mcp-method", &header).with("mcp-protocol-version", &version);
        asked.body["method"] = method.clone().into();
        asked.body["params"] = params;
        let body = raw.unwrap_or_else(|| asked.body.to_string());
        let answer = runtime.block_on(send(&subject, asked.request_with(body)));
        prop_assert!(!answer.status.is_server_error(), "{:?}", answer);
        if version == "2026-07-28" && header != method {
            prop_assert!(subject.hands.recorded.lock().unwrap().is_empty());
        }
    }
}
