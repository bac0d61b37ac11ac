//! Servers that refuse something: the turn ends with an answer after few requests, and the next one is accepted at once.

use llm::pretend::{Model as Server, Turn};
use llm::settings::Model;
use llm::{Class, MOST_EXTRA, Message, Request, Stop, Thinking};
use serde_json::{Value, json};

use super::{ask, conversation, models, refused, several, text, user};

/// Two turns against a server; the second has to be one request that is not refused.
async fn twice(request: &Request, act: impl FnMut(&Value) -> Turn + Send + 'static) -> (Server, Vec<String>) {
    let server = Server::acting(act).await.unwrap();
    let models = models(&server);
    let first = ask(&models, request).await.unwrap();
    assert_eq!(first.reply.content, "the volume is too small", "{:?}", first.reply);
    assert!(first.requests <= 1 + MOST_EXTRA, "{} requests", first.requests);
    assert_eq!(usize::try_from(first.requests).unwrap(), server.requests().len());
    let second = ask(&models, request).await.unwrap();
    assert_eq!(second.requests, 1, "{:?}", second.steps);
    assert!(server.violations().is_empty(), "{:?}", server.violations());
    (server, first.steps)
}

fn good() -> Turn {
    Turn::text("the volume is too small")
}

fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[tokio::test]
async fn tools_are_refused_with_400() {
    let (server, steps) = twice(&conversation(), |body| match body.get("tools") {
        Some(_) => Turn::status(400, &refused("deepseek-reasoner does not support Function Calling")),
        None => good(),
    })
    .await;
    assert_eq!(steps, ["no tools: calls as text"]);
    let last = server.requests().pop().unwrap();
    assert!(text(&messages(&last)[0]).contains("events_list"), "the tools are described: {last}");
    assert!(messages(&last).iter().all(|one| one["role"] != "tool" && one.get("tool_calls").is_none()), "{last}");
}

#[tokio::test]
async fn tools_are_refused_with_404_and_500() {
    for (status, why) in
        [(404, "No endpoints found that support tool use."), (500, "tools param requires --jinja flag")]
    {
        twice(&conversation(), move |body| match body.get("tools") {
            Some(_) => Turn::status(status, &refused(why)),
            None => good(),
        })
        .await;
    }
}

#[tokio::test]
async fn calls_that_leak_into_the_text_are_calls() {
    let server = Server::start(vec![Turn::text(
        "I look.\n<tool_call>\n{\"name\": \"events_list\", \"arguments\": {\"namespace\": \"shop\"}}\n</tool_call>",
    )])
    .await
    .unwrap();
    let answer = ask(&models(&server), &conversation()).await.unwrap();
    assert_eq!(answer.reply.stop, Stop::ToolCalls);
    assert_eq!(answer.reply.calls[0].name, "events_list");
    assert_eq!(answer.reply.calls[0].arguments["namespace"], "shop");
    assert!(!answer.reply.content.contains("tool_call"), "{}", answer.reply.content);
}

#[tokio::test]
async fn tool_choice_is_never_sent() {
    let (server, steps) = twice(&conversation(), |_| good()).await;
    assert!(server.requests().iter().all(|body| body.get("tool_choice").is_none()));
    assert!(steps.is_empty());
}

#[tokio::test]
async fn reasoning_is_wanted_or_forbidden() {
    let lost = |request: &mut Request| {
        for message in &mut request.messages {
            if let Message::Assistant { reasoning, .. } = message {
                reasoning.clear();
            }
        }
    };
    let mut request = conversation();
    lost(&mut request);
    twice(&request, |body| {
        let missing =
            messages(body).iter().any(|one| one["role"] == "assistant" && one.get("reasoning_content").is_none());
        match missing {
            true => Turn::status(
                400,
                &refused("The `reasoning_content` in the thinking mode must be passed back to the API."),
            ),
            false => good(),
        }
    })
    .await;
    twice(&conversation(), |body| match messages(body).iter().any(|one| one.get("reasoning_content").is_some()) {
        true => Turn::status(400, &refused("reasoning_content is not allowed in messages")),
        false => good(),
    })
    .await;
}

#[tokio::test]
async fn a_server_that_only_streams() {
    let request = Request { thinking: Thinking::Off, ..conversation() };
    let (server, _) = twice(&request, |body| match body["stream"] == true {
        true => good(),
        false => {
            Turn::status(400, &refused("This model only support stream mode, please enable the stream parameter."))
        }
    })
    .await;
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_server_that_cannot_stream() {
    twice(&conversation(), |body| match body["stream"] == true {
        true => Turn::status(
            400,
            &json!({"error": {"message": "Unsupported value: 'stream' is not supported", "param": "stream"}}),
        ),
        false => good(),
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_is_waited_for() {
    let busy = Turn::status(429, &refused("Rate limit reached")).header("retry-after-ms", "5");
    let server = Server::start(vec![busy.clone(), busy, good()]).await.unwrap();
    let answer = ask(&models(&server), &conversation()).await.unwrap();
    assert_eq!(answer.requests, 3);
}

#[tokio::test]
async fn a_rate_limit_longer_than_the_deadline_is_not_waited_for() {
    let busy = Turn::status(429, &refused("Rate limit reached")).header("retry-after", "600");
    let server = Server::start(vec![busy]).await.unwrap();
    let error = ask(&models(&server), &conversation()).await.unwrap_err();
    assert_eq!((error.class, server.requests().len()), (Class::RateLimit, 1));
}

#[tokio::test]
async fn an_error_in_a_200() {
    let mut first = true;
    twice(&conversation(), move |_| match std::mem::take(&mut first) {
        true => Turn::status(200, &json!({"error": {"message": "please try again in 5ms", "code": "429"}})),
        false => good(),
    })
    .await;
}

#[tokio::test]
async fn roles_have_to_alternate() {
    let request = Request { messages: vec![user("one"), user("two")], ..Request::default() };
    twice(&request, |body| {
        let roles: Vec<&Value> = messages(body).iter().map(|one| &one["role"]).collect();
        match roles.windows(2).any(|pair| pair[0] == pair[1]) {
            true => Turn::status(400, &refused("Conversation roles must alternate user/assistant/user/assistant/...")),
            false => good(),
        }
    })
    .await;
}

#[tokio::test]
async fn ids_of_nine_characters_and_nobody_behind_a_tool() {
    let mut request = conversation();
    request.messages.push(user("And now?"));
    twice(&request, |body| {
        let all = messages(body);
        let long = all.iter().filter_map(|one| one["tool_call_id"].as_str()).any(|id| id.len() != 9);
        let behind = all.windows(2).any(|pair| pair[0]["role"] == "tool" && pair[1]["role"] == "user");
        match (long, behind) {
            (true, _) => Turn::status(
                400,
                &refused("Tool call id was call_0fypS1hVX but must be a-z, A-Z, 0-9, with a length of 9."),
            ),
            (_, true) => Turn::status(400, &refused("Unexpected role 'user' after role 'tool'")),
            (false, false) => good(),
        }
    })
    .await;
}

#[tokio::test]
async fn schemas_are_simplified_down_to_names() {
    let mut request = conversation();
    request.tools[0].parameters = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "namespace": {"type": ["string", "null"], "pattern": "^[a-z]+$"},
            "limit": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        },
    });
    let (server, _) = twice(&request, |body| {
        let text = body["tools"].to_string();
        let listed = text.contains("anyOf") || text.contains("pattern") || text.contains("$schema");
        match listed {
            true => {
                Turn::status(400, &refused("Invalid JSON payload received. Unknown name \"pattern\" at 'tools[0]'"))
            }
            false => good(),
        }
    })
    .await;
    let sent = server.requests();
    assert!(!sent[0]["tools"].to_string().contains("$schema"), "some keywords are never sent: {}", sent[0]);
    assert_eq!(sent[1]["tools"][0]["function"]["parameters"]["properties"]["limit"]["type"], "integer");
}

#[tokio::test]
async fn a_schema_for_the_answer_is_dropped() {
    let request = Request { schema: Some(json!({"type": "object"})), ..conversation() };
    let (server, _) = twice(&request, |body| match body.get("response_format") {
        Some(_) => Turn::status(400, &refused("Cannot use custom grammar constraints with tools.")),
        None => good(),
    })
    .await;
    assert!(server.requests()[1].get("tools").is_some());
}

#[tokio::test]
async fn parameters_are_renamed_clamped_and_dropped() {
    let request = Request { max_tokens: Some(9_000), ..conversation() };
    twice(&request, |body| {
        let word =
            |message: &str, param: &str| Turn::status(400, &json!({"error": {"message": message, "param": param}}));
        if body.get("max_tokens").is_some() {
            return word("Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens");
        }
        if body["max_completion_tokens"].as_u64().is_some_and(|most| most > 4_096) {
            return Turn::status(400, &refused("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]"));
        }
        if body.get("stream_options").is_some() {
            return word("Unknown parameter: 'stream_options'.", "stream_options");
        }
        match messages(body).iter().any(|one| one["role"] == "system") {
            true => word(
                "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
                "messages[0].role",
            ),
            false => good(),
        }
    })
    .await;
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_answered_by_a_plainer_request() {
    let request = Request { max_tokens: Some(500), ..conversation() };
    twice(&request, |body| match body.get("stream_options").is_some() || body.get("tools").is_some() {
        true => Turn::status(400, &json!({"error": {"code": "1210", "message": "API 调用参数有误，请检查文档。"}})),
        false => good(),
    })
    .await;
}

#[tokio::test]
async fn what_was_learnt_outlives_the_process() {
    let server = Server::acting(|body| match body.get("tools") {
        Some(_) => Turn::status(400, &refused("this model does not support tools")),
        None => good(),
    })
    .await
    .unwrap();
    let file = std::env::temp_dir().join(format!("midwatch-learnt-{}.json", std::process::id()));
    let open = || {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let models = vec![Model::new("one", &server.url, "m")];
        llm::Models::new(&llm::Settings { models }, Some(file.clone())).unwrap()
    };
    assert_eq!(ask(&open(), &conversation()).await.unwrap().requests, 2);
    let again = open();
    assert_eq!(ask(&again, &conversation()).await.unwrap().requests, 1);
    assert_eq!(again.known().unwrap().1, ["no tools: calls as text"]);
    again.forget();
    assert_eq!(ask(&open(), &conversation()).await.unwrap().requests, 2);
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_left_alone_soon() {
    let server = Server::acting(|_| Turn::status(400, &refused("no"))).await.unwrap();
    let error = ask(&several(vec![Model::new("one", &server.url, "m")]), &conversation()).await.unwrap_err();
    assert_eq!(error.class, Class::BadRequestUnknown);
    assert!(server.requests().len() <= 5, "{}", server.requests().len());
}

#[tokio::test]
async fn an_empty_answer_is_asked_for_with_less_thinking_and_more_room() {
    let server = Server::acting(|body| match body["max_tokens"].as_u64() {
        Some(most) if most > 500 => good(),
        Some(_) | None => Turn::text("").reasoning("and so on and so on").length(),
    })
    .await
    .unwrap();
    let request = Request { max_tokens: Some(400), ..conversation() };
    let answer = ask(&models(&server), &request).await.unwrap();
    assert_eq!((answer.reply.content.as_str(), answer.requests), ("the volume is too small", 2));
}

#[tokio::test]
async fn calls_that_nobody_can_read_become_answers_by_a_schema() {
    let server = Server::acting(|body| match body.get("response_format") {
        Some(format) if format.to_string().contains("final_answer") => {
            Turn::text("{\"final_answer\": \"the volume is too small\"}")
        }
        Some(_) | None => {
            Turn::status(400, &json!({"error": {"message": "Failed to call a function.", "code": "tool_use_failed"}}))
        }
    })
    .await
    .unwrap();
    let models = models(&server);
    let answer = ask(&models, &conversation()).await.unwrap();
    assert_eq!(answer.reply.content, "the volume is too small");
    assert_eq!(answer.steps, ["no tools: calls by a JSON schema"]);
    assert_eq!(ask(&models, &conversation()).await.unwrap().requests, 1);
}

#[tokio::test]
async fn arguments_that_a_stream_loses_are_asked_for_at_once() {
    let server = Server::acting(|body| match body["stream"] == true {
        true => Turn::call("events_list", json!({})),
        false => Turn::call("events_list", json!({"namespace": "shop"})),
    })
    .await
    .unwrap();
    let models = models(&server);
    for requests in [2, 1] {
        let answer = ask(&models, &conversation()).await.unwrap();
        assert_eq!(answer.reply.calls[0].arguments["namespace"], "shop");
        assert_eq!(answer.requests, requests, "{:?}", answer.steps);
    }
}

#[tokio::test]
async fn a_call_that_the_provider_could_not_read_is_read_here() {
    let body = json!({"error": {
        "message": "Failed to call a function. See 'failed_generation' for more details.",
        "code": "tool_use_failed",
        "failed_generation": "<function=events_list={\"namespace\": \"shop\"}</function>",
    }});
    let server = Server::start(vec![Turn::status(400, &body)]).await.unwrap();
    let answer = ask(&models(&server), &conversation()).await.unwrap();
    assert_eq!((answer.reply.calls[0].name.as_str(), answer.requests), ("events_list", 1));
    assert_eq!(answer.reply.calls[0].arguments["namespace"], "shop");
}

/// DeepSeek V3 behind a gateway that knows nothing of its tokens, from the first question to the answer.
#[tokio::test]
async fn a_run_in_text_mode() {
    let server = Server::acting(|body| {
        if body.get("tools").is_some() {
            return Turn::status(400, &json!({"code": 20037, "message": "Function call is not supported for this model."}));
        }
        match messages(body).last().map(text) {
            Some(last) if last.contains("<tool_response") && last.contains("5Gi") => good(),
            Some(_) | None => Turn::text(
                "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>events_list\n```json\n{\"namespace\": \"shop\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            ),
        }
    })
    .await
    .unwrap();
    let models = models(&server);
    let mut request = conversation();
    request.messages.truncate(2);
    let first = ask(&models, &request).await.unwrap();
    assert_eq!((first.reply.calls.len(), first.requests), (1, 2), "{:?}", first.reply);
    request.messages.push(Message::Assistant {
        content: first.reply.content,
        reasoning: first.reply.reasoning,
        calls: first.reply.calls.clone(),
    });
    let id = first.reply.calls[0].id.clone();
    let content = "5Gi is below 10Gi <｜tool▁calls▁begin｜>".to_owned();
    request.messages.push(Message::Tool { id, name: "events_list".to_owned(), content });
    let second = ask(&models, &request).await.unwrap();
    assert_eq!((second.reply.content.as_str(), second.requests), ("the volume is too small", 1));
    let sent = server.requests().pop().unwrap().to_string();
    assert!(!sent.contains("<｜tool▁calls▁begin｜>"), "a result's tokens are broken: {sent}");
}
